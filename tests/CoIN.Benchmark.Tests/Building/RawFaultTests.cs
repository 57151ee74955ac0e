using CoIN.Benchmark.Building;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Tests.Building;

/// <summary>Raw data that cannot be used end a build with file, entry and remedy.</summary>
public sealed class RawFaultTests : IDisposable
{
    private readonly Built built = new();

    public RawFaultTests() => RawSets.Write(built.Folder);

    public void Dispose() => built.Dispose();

    [Fact]
    public void A_missing_file_is_named_with_where_it_was_looked_for()
    {
        File.Delete(built.Folder.File("raw/ScienceQA/pid_splits.json"));

        Assert.Contains($"There is no file pid_splits.json in {built.Folder.File("raw/ScienceQA")}", built.FaultOf("ScienceQA"));
    }

    [Fact]
    public void A_tasks_files_are_not_looked_for_in_another_tasks_folder()
    {
        Directory.Delete(built.Folder.File("raw/VizWiz"), recursive: true);

        Assert.Contains("has the folder ScienceQA, but no folder VizWiz", built.FaultOf("VizWiz"));
    }

    [Fact]
    public void A_file_that_is_there_twice_is_not_guessed()
    {
        built.Folder.Write("raw/VizWiz/a/train.json", "[]");
        File.Move(built.Folder.File("raw/VizWiz/train.json"), built.Folder.File("raw/VizWiz/former.json"));
        built.Folder.Write("raw/VizWiz/b/train.json", "[]");

        Assert.Contains("train.json is there twice", built.FaultOf("VizWiz"));
    }

    [Fact]
    public void A_split_of_ScienceQA_without_its_problem() =>
        Fault(
            "ScienceQA",
            "ScienceQA/pid_splits.json",
            "\"3\"",
            "\"99\"",
            "names the problem 99 of the split train, which problems.json does not have"
        );

    [Fact]
    public void A_problem_in_training_and_test() =>
        Fault("ScienceQA", "ScienceQA/pid_splits.json", "[\"4\",\"6\"]", "[\"4\",\"1\"]", "names the problem 1 twice, in train and test");

    [Fact]
    public void An_answer_that_is_none_of_the_choices() =>
        Fault("ScienceQA", "ScienceQA/problems.json", "\"answer\":1", "\"answer\":2", "problem 1: it has the answer 2, but choices 0 to 1");

    [Fact]
    public void Splits_of_another_form() =>
        Fault(
            "ScienceQA",
            "ScienceQA/pid_splits.json",
            "\"test\"",
            "\"testing\"",
            "it has no list \"test\". It is another file, or another version"
        );

    [Fact]
    public void An_image_without_OCR_tokens() =>
        Fault(
            "TextVQA",
            "TextVQA/TextVQA_Rosetta_OCR_v0.2_val.json",
            "003a8ae2ef43b901",
            "other",
            "question 34602: it is about the image 003a8ae2ef43b901, for which TextVQA_Rosetta_OCR_v0.2_val.json has no OCR tokens"
        );

    [Fact]
    public void TextVQAs_test_set_which_has_no_answers() =>
        Fault("TextVQA", "TextVQA/TextVQA_0.5.1_val.json", "\"answers\"", "\"answers_hidden\"", "its questions have no answers");

    [Fact]
    public void TextVQAs_training_set_in_the_place_of_the_validation_set() =>
        Fault(
            "TextVQA",
            "TextVQA/TextVQA_0.5.1_val.json",
            "\"set_name\":\"val\"",
            "\"set_name\":\"train\"",
            "question 34602: it is of the set train, not of val"
        );

    [Fact]
    public void VizWizs_test_set_which_has_no_answers() =>
        Fault(
            "VizWiz",
            "VizWiz/val.json",
            "\"answers\"",
            "\"hidden\"",
            "its question about VizWiz_val_00000000.jpg has no answers, as in VizWiz's test set"
        );

    [Fact]
    public void A_question_of_VQAv2_without_annotation() =>
        Fault(
            "VQAv2",
            "VQAv2/v2_mscoco_train2014_annotations.json",
            "\"question_id\":458752001",
            "\"question_id\":5",
            "question 458752001: it has no annotation in v2_mscoco_train2014_annotations.json"
        );

    [Fact]
    public void An_annotation_of_VQAv2_without_question()
    {
        var path = built.Folder.File("raw/VQAv2/v2_OpenEnded_mscoco_val2014_questions.json");
        var text = File.ReadAllText(path);
        var begin = text.IndexOf(",{\"image_id\":262155", StringComparison.Ordinal);
        File.WriteAllText(path, text.Remove(begin, text.IndexOf('}', begin) + 1 - begin));

        Assert.Contains(
            "has an annotation for question 262155000, which v2_OpenEnded_mscoco_val2014_questions.json does not have (1 in all)",
            built.FaultOf("VQAv2")
        );
    }

    [Fact]
    public void VQAv2s_files_of_other_images() =>
        Fault(
            "VQAv2",
            "VQAv2/v2_mscoco_val2014_annotations.json",
            "\"data_subtype\":\"val2014\"",
            "\"data_subtype\":\"train2014\"",
            "its data_subtype is train2014, not val2014"
        );

    [Fact]
    public void A_question_of_GQA_without_text() =>
        Fault("GQA", "GQA/testdev_balanced_questions.json", "\"question\"", "\"text\"", "question 201307251: it has no \"question\"");

    [Fact]
    public void A_list_in_the_place_of_GQAs_dictionary()
    {
        built.Folder.Write("raw/GQA/testdev_balanced_questions.json", "[]");

        Assert.Contains("it is not an object", built.FaultOf("GQA"));
    }

    [Fact]
    public void A_file_that_was_cut_off()
    {
        var path = built.Folder.File("raw/GQA/train_balanced_questions.json");
        File.WriteAllText(path, File.ReadAllText(path)[..^40]);

        Assert.Contains($"{path}, line 1: ", built.FaultOf("GQA"));
    }

    [Fact]
    public void A_book_of_an_unknown_split() =>
        Fault(
            "OCR-VQA",
            "OCRVQA/dataset.json",
            "\"split\":2",
            "\"split\":4",
            "book 0000000002: it has the split 4; there are 1 (training), 2 (validation) and 3 (test)"
        );

    [Fact]
    public void A_book_with_more_questions_than_answers() =>
        Fault("OCR-VQA", "OCRVQA/dataset.json", "\"Scholastic\",", "", "book 0439893577: it has 2 questions but 1 answers");

    [Fact]
    public void A_label_file_of_another_form()
    {
        built.Folder.Write("raw/ImageNet/LOC_synset_mapping.txt", "n01440760 tench\nn01440761\n");

        Assert.Contains("LOC_synset_mapping.txt, line 2: it is not \"synset name, name, …\"", built.FaultOf("ImageNet"));
    }

    [Fact]
    public void A_question_without_any_answer_is_left_out_and_counted()
    {
        RawSets.Json(
            built.Folder,
            "VizWiz/val.json",
            new[]
            {
                new
                {
                    image = "a.jpg",
                    question = "q",
                    answers = new[] { "" },
                },
                new
                {
                    image = "b.jpg",
                    question = "q",
                    answers = new[] { "x" },
                },
            }
        );

        Assert.Equal([new Dropped("it has no answer", 1, "a")], built.Build("VizWiz").Test.Dropped);
    }

    private void Fault(string task, string file, string old, string changed, string expected)
    {
        var path = built.Folder.File("raw/" + file);
        var text = File.ReadAllText(path);
        Assert.Contains(old, text, StringComparison.Ordinal);
        var place = text.IndexOf(old, StringComparison.Ordinal);
        File.WriteAllText(path, text[..place] + changed + text[(place + old.Length)..]);

        var message = built.FaultOf(task);
        Assert.Contains(expected, message);
        Assert.Contains(Path.GetFileName(path), message);
    }
}
