using CoIN.Benchmark.Building;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Instructions;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Building;

/// <summary>What holds for every task's build.</summary>
public sealed class DatasetBuildTests : IDisposable
{
    private readonly Built built = new();

    public void Dispose() => built.Dispose();

    [Fact]
    public void The_same_build_writes_the_same_bytes_wherever_the_data_lie()
    {
        using var elsewhere = new Built();
        RawSets.Write(built.Folder);
        RawSets.Write(elsewhere.Folder);
        foreach (var task in DatasetBuild.Tasks)
        {
            Assert.Equal(Durable.Sha256OfFolder(built.Build(task).Folder), Durable.Sha256OfFolder(elsewhere.Build(task).Folder));
        }
    }

    [Fact]
    public void Files_end_lines_with_LF_alone_and_keep_other_alphabets()
    {
        RawSets.Json(
            built.Folder,
            "VizWiz/train.json",
            new[]
            {
                new
                {
                    image = "a.jpg",
                    question = "Ça coûte combien ? 値段",
                    answers = new[] { new { answer = "5 €" } },
                },
            }
        );
        RawSets.Json(
            built.Folder,
            "VizWiz/val.json",
            new[]
            {
                new
                {
                    image = "b.jpg",
                    question = "q",
                    answers = new[] { new { answer = "a" } },
                },
            }
        );
        var task = built.Build("VizWiz");
        var text = File.ReadAllText(Path.Combine(task.Folder, "train.json"));

        Assert.Equal(
            "[\n"
                + """{"id":"a","image":"./VizWiz/train/a.jpg","conversations":[{"from":"human","value":"<image>\nÇa coûte combien ? 値段\nAnswer the question using a single word or phrase"},{"from":"gpt","value":"5 €"}]}"""
                + "\n]\n",
            text
        );
        Assert.All(Directory.GetFiles(task.Folder), file => Assert.DoesNotContain('\r', File.ReadAllText(file)));
    }

    [Fact]
    public void The_manifest_tells_sources_settings_and_counts()
    {
        RawSets.VizWiz(built.Folder);
        var task = built.Build("VizWiz", new BuildOptions { Seed = 7, Instructions = InstructionType.TenType });
        var manifest = JObject.Parse(File.ReadAllText(Path.Combine(task.Folder, "manifest.json")));

        Assert.Equal(
            ("VizWiz", "ten-type", 7, 1.0),
            ((string)manifest["task"]!, (string)manifest["instructions"]!["type"]!, (int)manifest["seed"]!, (double)manifest["volume"]!)
        );
        Assert.Equal(10, manifest["instructions"]!["wordings"]!.Count());
        Assert.Equal(["VizWiz/train.json", "VizWiz/val.json"], manifest["sources"]!.Select(source => (string)source["file"]!));
        Assert.Equal(Durable.Sha256(built.Folder.File("raw/VizWiz/train.json")), (string)manifest["sources"]![0]!["sha256"]!);
        Assert.Equal(new FileInfo(built.Folder.File("raw/VizWiz/train.json")).Length, (long)manifest["sources"]![0]!["bytes"]!);
        Assert.Equal(2, (int)manifest["training"]!["samples"]!);
        Assert.Equal(Durable.Sha256(Path.Combine(task.Folder, "val.json")), (string)manifest["test"]!["sha256"]!);
        Assert.DoesNotContain(built.Folder.Path, manifest.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Volumes_are_nested_and_are_the_samples_that_a_run_would_draw()
    {
        ManyQuestions(100);
        var parts = new[] { 0.1, 0.2, 0.4, 1.0 }
            .Select(volume => Built.Training(built.Build("VizWiz", new BuildOptions { Volume = volume })))
            .ToList();

        Assert.Equal([10, 20, 40, 100], parts.Select(part => part.Count));
        foreach (var (small, large) in parts.Zip(parts.Skip(1)))
        {
            Assert.Empty(small.Select(sample => sample.Id).Except(large.Select(sample => sample.Id)));
        }

        Assert.Equal(Subset.DrawVolume(parts[3], 0.2, 0, 42).Select(sample => sample.Id), parts[1].Select(sample => sample.Id));
    }

    [Fact]
    public void Test_subsets_are_nested_and_drawn_by_the_seed()
    {
        ManyQuestions(50);
        IReadOnlyList<string> Ids(int samples, int seed) =>
            [
                .. Built
                    .Test(built.Build("VizWiz", new BuildOptions { TestSamples = samples, Seed = seed }))
                    .Select(sample => sample.QuestionId),
            ];

        Assert.Equal((5, 20), (Ids(5, 1).Count, Ids(20, 1).Count));
        Assert.Empty(Ids(5, 1).Except(Ids(20, 1)));
        Assert.NotEqual(Ids(5, 1), Ids(5, 2));
    }

    [Fact]
    public void A_sample_keeps_its_wording_in_every_volume()
    {
        ManyQuestions(60);
        var ten = new BuildOptions { Instructions = InstructionType.TenType };
        var all = Built.Training(built.Build("VizWiz", ten));
        var wordings = all.ToDictionary(sample => sample.Id, sample => sample.Conversations[0].Value);

        Assert.Equal(10, wordings.Values.Select(value => value.Split('\n')[^1]).Distinct().Count());
        Assert.All(Built.Training(built.Build("VizWiz", ten with { Volume = 0.2 })), sample =>
            Assert.Equal(wordings[sample.Id], sample.Conversations[0].Value)
        );
    }

    [Theory]
    [InlineData(InstructionType.Original, "Instructions_Original")]
    [InlineData(InstructionType.Diverse, "Instructions_Diverse")]
    [InlineData(InstructionType.TenType, "Instructions_10type")]
    public void A_type_goes_into_the_folder_in_which_it_is_published(InstructionType type, string folder)
    {
        RawSets.VizWiz(built.Folder);

        Assert.Equal(
            Path.Combine(built.Folder.File("out"), folder, "VizWiz"),
            built.Build("VizWiz", new BuildOptions { Instructions = type }).Folder
        );
    }

    [Fact]
    public void A_build_replaces_its_own_folder_and_nobody_elses()
    {
        RawSets.VizWiz(built.Folder);
        var folder = built.Build("VizWiz").Folder;
        Assert.Equal(folder, built.Build("VizWiz").Folder);

        File.Delete(Path.Combine(folder, "manifest.json"));
        Assert.Contains("was not built from raw data", built.FaultOf("VizWiz"));
    }

    [Fact]
    public void After_a_fault_the_former_build_is_there_untouched()
    {
        RawSets.VizWiz(built.Folder);
        var before = Durable.Sha256OfFolder(built.Build("VizWiz").Folder);
        built.Folder.Write("raw/VizWiz/val.json", """[{"image": "a.jpg", "question": "q", "answers": [{"answer": "a"}]""");
        Assert.Contains("probably cut off", built.FaultOf("VizWiz"));

        Assert.Equal(before, Durable.Sha256OfFolder(built.Folder.File("out/Instructions_Original/VizWiz")));
        Assert.Single(Directory.GetFileSystemEntries(built.Folder.File("out/Instructions_Original")));
    }

    [Fact]
    public void A_stop_leaves_nothing_behind()
    {
        RawSets.VizWiz(built.Folder);

        Assert.Throws<OperationCanceledException>(() =>
            DatasetBuild.Run(
                "VizWiz",
                built.Folder.File("raw"),
                built.Folder.File("out"),
                new BuildOptions(),
                _ => { },
                new CancellationToken(canceled: true)
            )
        );
        Assert.False(Directory.Exists(built.Folder.File("out")));
    }

    [Fact]
    public void Missing_images_end_the_build_or_are_left_out_as_wished()
    {
        RawSets.VizWiz(built.Folder);
        foreach (var image in new[] { "train/VizWiz_train_00000001.jpg", "val/VizWiz_val_00000000.jpg", "val/VizWiz_val_00000001.jpg" })
        {
            built.Folder.Write("images/VizWiz/" + image, "");
        }

        var options = new BuildOptions { Images = built.Folder.File("images") };
        Assert.Contains("VizWiz_train_00000000.jpg of sample VizWiz_train_00000000 does not exist", built.FaultOf("VizWiz", options));

        var task = built.Build("VizWiz", options with { DropMissingImages = true });
        Assert.Equal(["VizWiz_train_00000001"], Built.Training(task).Select(sample => sample.Id));
        Assert.Equal([new Dropped("its image is missing", 1, "VizWiz_train_00000000")], task.Training.Dropped);
        Assert.Contains(
            "Nothing is left of VizWiz's training set; 2 left out because its image is missing",
            built.FaultOf("VizWiz", options with { DropMissingImages = true, ImageFolder = "elsewhere" })
        );
    }

    [Fact]
    public void An_image_that_is_there_under_another_extension_is_taken_and_that_is_said()
    {
        RawSets.OcrVqa(built.Folder);
        var images = Built
            .Training(built.Build("OCR-VQA"))
            .Select(sample => sample.Image!)
            .Concat(Built.Test(built.Build("OCR-VQA")).Select(sample => sample.Image!))
            .Distinct()
            .ToList();
        foreach (var image in images)
        {
            built.Folder.Write("images/" + Path.ChangeExtension(image, ".jpeg"), "");
        }

        var task = built.Build("OCR-VQA", new BuildOptions { Images = built.Folder.File("images") });

        Assert.Equal(
            images.Select(image => Path.ChangeExtension(image, ".jpeg")).Order(),
            Built.Training(task).Select(sample => sample.Image!).Concat(Built.Test(task).Select(sample => sample.Image!)).Distinct().Order()
        );
        Assert.Contains(task.Notes, note =>
            note.StartsWith($"{images.Count} images are there under another name", StringComparison.Ordinal)
        );
        Assert.Contains(" were taken, such as ", File.ReadAllText(Path.Combine(task.Folder, "manifest.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_image_folder_can_be_elsewhere()
    {
        RawSets.Gqa(built.Folder);

        Assert.Equal(
            "pictures/gqa/2354786.jpg",
            Built.Training(built.Build("GQA", new BuildOptions { ImageFolder = "pictures/gqa/" }))[0].Image
        );
    }

    [Fact]
    public void Files_are_found_some_folders_down_and_without_a_folder_of_the_tasks_name()
    {
        RawSets.ScienceQa(built.Folder);
        Directory.CreateDirectory(built.Folder.File("moved/data"));
        Directory.Move(built.Folder.File("raw/ScienceQA"), built.Folder.File("moved/data/scienceqa"));
        var task = DatasetBuild.Run(
            "ScienceQA",
            built.Folder.File("moved"),
            built.Folder.File("out"),
            new BuildOptions(),
            _ => { },
            CancellationToken.None
        );

        Assert.Equal(["data/scienceqa/pid_splits.json", "data/scienceqa/problems.json"], task.Sources.Select(source => source.File));
    }

    [Fact]
    public void An_unknown_task_is_told_with_the_nearest() =>
        Assert.Contains("did you mean VizWiz?", Assert.Throws<CoinException>(() => DatasetBuild.TaskName("VisWiz")).Message);

    private void ManyQuestions(int count)
    {
        foreach (var split in new[] { "train", "val" })
        {
            RawSets.Json(
                built.Folder,
                $"VizWiz/{split}.json",
                Enumerable
                    .Range(0, count)
                    .Select(index => new
                    {
                        image = $"{split}{index}.jpg",
                        question = $"Question {index}?",
                        answers = new[] { new { answer = "a" } },
                    })
            );
        }
    }
}
