using CoIN.Benchmark.Scoring;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

/// <summary>Other benchmarks' presets, in hocon/benchmarks.</summary>
public sealed class BenchmarkRecipeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public BenchmarkRecipeTests() => folder.Write("model/config.json", "{}");

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(
        "ucit",
        "ImageNet-R:ucit ArxivQA:ucit VizWiz-Caption:cider IconQA:ucit CLEVR-Math:ucit Flickr30k:cider",
        """
            ImageNet-R/train.json ImageNet-R/test_3000.json ArxivQA/train_4w.json ArxivQA/test_3000.json VizWiz/train.json VizWiz/test_3000.json
            VizWiz/val_coco_type_3000.json IconQA/train.json IconQA/test_3000.json CLEVR/train_4w.json CLEVR/test_3000.json
            Flickr30k/train_brief_4w.json Flickr30k/test_3000.json Flickr30k/val_coco_type_3000.json
            """
    )]
    [InlineData(
        "mllm-dcl",
        "RS:mllm-cl Med:mllm-cl AD:mllm-cl Sci:mllm-cl-science Fin:ocrvqa",
        """
            RS/train.json RS/test.json Med/train.json Med/test.json AD/train.json AD/test.json Sci/train.json Sci/test.json Fin/train.json
            Fin/test.json
            """
    )]
    [InlineData(
        "mllm-acl",
        "OCR:ocrbench Math:contains VP:mllm-cl-perception APP:choice",
        """
            OCR/train.json OCR_test/test.json Math/train.json Math_test/test.json VP/train.json VP_test/test.json APP/train.json APP_test/test.json
            """
    )]
    [InlineData(
        "trigap",
        "PMCVQA:ucit DocVQA:anls ChartQA:ucit IconQA:ucit InfographicVQA:anls ArxivQA:ucit Roadside:ucit ChemVQA:ucit "
            + "FloodNetVQA:ucit CLEVR:ucit",
        """
            PMCVQA/train_standard_4w_sub.json PMCVQA/test_standard_3k.json DocVQA/train_converted_sub.json DocVQA/val_converted.json
            ChartQA/train_standard_4w_sub.json ChartQA/test_standard_3k.json IconQA/train_sub.json IconQA/test_3000.json
            InfographicVQA/infographicsVQA_train_converted_sub.json InfographicVQA/infographicsVQA_val_converted.json
            ArxivQA/train_4w_sub.json ArxivQA/test_3000.json Roadside/train_standard_4w_sub.json Roadside/test_standard_3k.json
            ChemVQA/train_standard_4w_sub.json ChemVQA/test_standard_3k.json FloodNetVQA/train_standard_4w_sub.json
            FloodNetVQA/test_standard_3k.json CLEVR/train_4w_sub.json CLEVR/test_3000.json
            """
    )]
    public void A_benchmark_reads_its_published_files_in_its_order(string name, string tasks, string files)
    {
        var written = files.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        foreach (var file in written)
        {
            folder.Write($"data/{file}", "[]");
        }

        var loaded = Load(name);

        Assert.Equal(tasks, string.Join(' ', loaded.Options.Tasks.Select(task => $"{task.Name}:{task.Scorer}")));
        Assert.All(loaded.Options.Tasks, task => Assert.Contains(task.Scorer, Scorers.Keys));
        foreach (var file in written)
        {
            var path = folder.PathOf($"data/{file}");
            File.Move(path, path + ".gone");
            Assert.Contains(
                Path.GetFileName(file),
                Assert.Throws<Benchmark.CoinException>(() => Load(name)).Message,
                StringComparison.Ordinal
            );
            File.Move(path + ".gone", path);
        }
    }

    [Fact]
    public void The_abilities_are_tested_on_images_of_folders_of_their_own()
    {
        foreach (var task in new[] { "OCR", "Math", "VP", "APP" })
        {
            folder.Write($"data/{task}/train.json", "[]");
            folder.Write($"data/{task}_test/test.json", "[]");
        }

        Assert.All(Load("mllm-acl").Options.Tasks, task =>
            Assert.Equal((task.Name, task.Name + "_test"), (task.TrainImages, task.TestImages))
        );
    }

    [Fact]
    public void Every_preset_says_its_command_and_what_could_not_be_confirmed() =>
        Assert.All(Directory.GetFiles(Repository.PathOf("hocon", "benchmarks")), file =>
        {
            var text = File.ReadAllText(file);
            Assert.Contains($" hocon/benchmarks/{Path.GetFileName(file)}", text, StringComparison.Ordinal);
            Assert.Contains("not confirmed", text, StringComparison.Ordinal);
        });

    private LoadedConfiguration Load(string name) =>
        ConfigurationLoader.Load(
            [Repository.PathOf("hocon", "benchmarks", $"{name}.hocon")],
            ["data.instructions=data", "data.images=data", "model.path=model"],
            folder.Path
        );
}
