using CoIN.Benchmark.Building;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Tests.Building;

/// <summary>What every builder makes of its data set's real format.</summary>
public sealed class BuilderTests : IDisposable
{
    private const string Short = "Answer the question using a single word or phrase";

    private readonly Built built = new();

    public BuilderTests() => RawSets.Write(built.Folder);

    public void Dispose() => built.Dispose();

    [Fact]
    public void ScienceQA_has_hint_question_and_lettered_choices_and_samples_of_text_alone()
    {
        var task = built.Build("ScienceQA");
        var training = Built.Training(task);
        var test = Built.Test(task);

        Assert.Equal(["1", "2", "3"], training.Select(sample => sample.Id));
        Assert.Equal(
            "<image>\nContext: Look at the map.\nWhich state is farthest north?\nA. Ohio\nB. Utah\nC. Iowa\nAnswer with the option's letter from the given choices directly",
            training[1].Conversations[0].Value
        );
        Assert.Equal(["B", "A", "A"], training.Select(sample => sample.Conversations[1].Value));
        Assert.Equal("ScienceQA/images/train/1/image.png", training[0].Image);
        Assert.Null(training[2].Image);
        Assert.StartsWith("Is water wet?", training[2].Conversations[0].Value, StringComparison.Ordinal);
        Assert.Equal([("4", "A", 2), ("6", "B", 2)], test.Select(sample => (sample.QuestionId, sample.Answer, sample.Choices ?? 0)));
    }

    [Fact]
    public void TextVQA_has_the_OCR_tokens_between_question_and_instruction_and_keeps_ten_answers_for_the_test()
    {
        var task = built.Build("TextVQA");
        var training = Built.Training(task);

        Assert.Equal(
            $"<image>\nwhat is the brand of this camera?\nReference OCR token: DAKOTA, DIGITAL, Single-Use\n{Short}",
            training[0].Conversations[0].Value
        );
        Assert.Equal(("nokia", "TextVQA/train_images/0054c91397f2fe05.jpg"), (training[0].Conversations[1].Value, training[0].Image));
        Assert.Equal("val.json", task.Test.File);
        Assert.Equal((10, "34602"), (Built.Test(task)[0].Answers.Count, Built.Test(task)[0].QuestionId));
    }

    [Fact]
    public void ImageNet_answers_with_the_first_name_and_lists_its_classes()
    {
        var task = built.Build("ImageNet");
        var listed = File.ReadAllLines(Path.Combine(task.Folder, "classes.txt"));

        Assert.Equal((12, 4), (task.Training.Samples, task.Test.Samples));
        Assert.Equal(4, listed.Select(line => line.Split(' ', 2)[1]).Distinct().Count());
        Assert.Equal(
            Built.Training(task).Select(sample => (sample.Image!.Split('/')[2], sample.Conversations[1].Value)).Distinct(),
            listed.Select(line => (line.Split(' ', 2)[0], line.Split(' ', 2)[1]))
        );
        Assert.Equal($"<image>\nWhat is the object in the image?\n{Short}", Built.Training(task)[0].Conversations[0].Value);
    }

    [Fact]
    public void ImageNets_classes_are_drawn_by_the_seed_and_never_two_of_one_name()
    {
        var draws = Enumerable
            .Range(0, 20)
            .Select(seed => Classes(built.Build("ImageNet", new BuildOptions { Classes = 5, Seed = seed })))
            .ToList();

        Assert.All(draws, draw => Assert.Equal(5, draw.Select(line => line.Split(' ', 2)[1]).Distinct().Count()));
        Assert.True(draws.Select(draw => string.Join(',', draw)).Distinct().Count() > 1);
        Assert.Equal(draws[3], Classes(built.Build("ImageNet", new BuildOptions { Classes = 5, Seed = 3 })));
        Assert.Contains("5 classes that have a label, but 6", built.FaultOf("ImageNet", new BuildOptions { Classes = 6 }));
    }

    [Fact]
    public void ImageNets_classes_can_be_named_by_a_file_which_a_build_writes_itself()
    {
        var first = built.Build("ImageNet");
        var file = built.Folder.Write("chosen.txt", string.Concat(Classes(first).Take(2).Select(line => line + "\n")));
        var second = built.Build("ImageNet", new BuildOptions { ClassesFile = file }, "other");

        Assert.Equal(Classes(first).Take(2), Classes(second));
        Assert.Contains(
            "line 1: n99 is no class",
            built.FaultOf("ImageNet", new BuildOptions { ClassesFile = built.Folder.Write("wrong.txt", "n99\n") })
        );
        Assert.Contains(
            "both called crane",
            built.FaultOf("ImageNet", new BuildOptions { ClassesFile = built.Folder.Write("twins.txt", "n01440763\nn01440765\n") })
        );
    }

    [Fact]
    public void ImageNets_flat_validation_images_are_found_through_their_table()
    {
        var val = built.Folder.File("raw/ImageNet/val");
        foreach (var file in Directory.GetFiles(val, "*.JPEG", SearchOption.AllDirectories))
        {
            File.Move(file, Path.Combine(val, Path.GetFileName(file)));
        }

        foreach (var folder in Directory.GetDirectories(val))
        {
            Directory.Delete(folder);
        }

        built.Folder.Write(
            "raw/ImageNet/LOC_val_solution.csv",
            "ImageId,PredictionString\n"
                + string.Concat(Enumerable.Range(0, 6).Select(index => $"ILSVRC2012_val_0000000{index},n0144076{index} 1 2 3 4\n"))
        );
        var test = Built.Test(built.Build("ImageNet", new BuildOptions { ClassesFile = built.Folder.Write("chosen.txt", "n01440762\n") }));

        Assert.Equal(
            ("ILSVRC2012_val_00000002", "ImageNet/val/ILSVRC2012_val_00000002.JPEG", "cock"),
            (test.Single().QuestionId, test[0].Image, test[0].Answer)
        );
    }

    [Fact]
    public void GQA_asks_all_questions_of_an_image_in_one_conversation()
    {
        var task = built.Build("GQA");
        var training = Built.Training(task);

        Assert.Equal((2, 3, 2), (task.Training.Samples, task.Training.Questions, task.Training.Images));
        Assert.Equal(
            [$"<image>\nWhat is on the wall?\n{Short}", "pipe", "Is the pipe red?", "no"],
            training[1].Conversations.Select(turn => turn.Value)
        );
        Assert.Equal(("2375429", "GQA/images/2375429.jpg"), (training[1].Id, training[1].Image));
        Assert.Equal([("201307251", "no"), ("201640614", "woman")], Built.Test(task).Select(sample => (sample.QuestionId, sample.Answer)));
    }

    [Fact]
    public void Questions_can_be_samples_of_their_own_or_one_per_image()
    {
        var each = built.Build("GQA", new BuildOptions { Grouping = QuestionGrouping.Each });
        Assert.Equal(["02930152", "07333408", "07333405"], Built.Training(each).Select(sample => sample.Id));
        Assert.All(Built.Training(each), sample => Assert.Equal(2, sample.Conversations.Count));

        var answers = Enumerable
            .Range(0, 20)
            .Select(seed =>
                Built
                    .Training(built.Build("GQA", new BuildOptions { Grouping = QuestionGrouping.OnePerImage, Seed = seed }))[1]
                    .Conversations[1]
                    .Value
            )
            .ToList();
        Assert.Equal(["no", "pipe"], answers.Distinct().Order());
    }

    [Fact]
    public void VizWiz_learns_the_most_frequent_answer_and_keeps_all_ten()
    {
        var task = built.Build("VizWiz");

        Assert.Equal(["basil leaves", "unanswerable"], Built.Training(task).Select(sample => sample.Conversations[1].Value));
        Assert.Equal("VizWiz/train/VizWiz_train_00000000.jpg", Built.Training(task)[0].Image);
        Assert.Equal(
            ("VizWiz_val_00000000", "basil leaves", 10),
            (
                (string)Built.First(task, task.Test)["question_id"]!,
                (string)Built.First(task, task.Test)["answer"]!,
                Built.First(task, task.Test)["answers"]!.Count()
            )
        );
    }

    [Fact]
    public void VQAv2_joins_questions_and_annotations_by_id()
    {
        var task = built.Build("VQAv2");

        Assert.Equal((2, 3), (task.Training.Samples, task.Training.Questions));
        Assert.Equal("COCO2014/train2014/COCO_train2014_000000458752.jpg", Built.Training(task)[0].Image);
        Assert.Equal(
            [("262148000", "net"), ("262148001", "pitcher"), ("262155000", "yes")],
            Built.Test(task).Select(sample => (sample.QuestionId, sample.Answer))
        );
        Assert.Equal("COCO2014/val2014/COCO_val2014_000000262155.jpg", Built.Test(task)[2].Image);
        Assert.Equal(10, Built.First(task, task.Test)["answers"]!.Count());
    }

    [Fact]
    public void OCR_VQA_takes_split_1_for_training_and_3_for_the_test()
    {
        var task = built.Build("OCR-VQA");

        Assert.EndsWith("OCRVQA", task.Folder, StringComparison.Ordinal);
        Assert.Equal(
            ["OCR-VQA/images/0761183272.jpg", "OCR-VQA/images/1449355730.png"],
            Built.Training(task).Select(sample => sample.Image)
        );
        Assert.Equal(4, Built.Training(task)[0].Conversations.Count);
        Assert.Equal(
            [("0439893577_0", "Scholastic"), ("0439893577_1", "No")],
            Built.Test(task).Select(sample => (sample.QuestionId, sample.Answer))
        );
    }

    [Fact]
    public void All_tasks_are_read_as_a_run_reads_them_and_right_answers_score_100()
    {
        foreach (var name in DatasetBuild.Tasks)
        {
            var task = built.Build(name);
            var test = Built.Test(task);
            var scored = TruthAlignment.Score(
                Path.GetFileName(task.Folder).ToLowerInvariant(),
                test,
                [.. test.Select(sample => new Benchmark.Data.Prediction(sample.QuestionId, Answer(name, sample.Answer)))]
            );

            Assert.True(scored.AccuracyPercent > 89, $"{name}: {scored.AccuracyPercent}");
            Assert.Equal(test.Count, task.Test.Samples);
            Assert.Equal(Built.Training(task).Count, task.Training.Samples);
        }
    }

    /// <summary>The published rule for boxes cuts a character off both ends.</summary>
    private static string Answer(string task, string answer) => task == "Grounding" ? $" {answer} " : answer;

    private static string[] Classes(BuiltTask task) => File.ReadAllLines(Path.Combine(task.Folder, "classes.txt"));
}
