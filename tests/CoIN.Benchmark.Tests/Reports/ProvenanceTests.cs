using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Reports;

public sealed class ProvenanceTests : IDisposable
{
    private static readonly ExperimentOptions Options = new()
    {
        Name = "x",
        Seed = 42,
        Tasks =
        [
            new TaskOptions
            {
                Name = "GQA",
                Folder = "GQA",
                Scorer = "gqa",
            },
        ],
        Data = new DataOptions { Instructions = "/i", Images = "/j" },
        Model = new ModelOptions
        {
            Path = "/models/seven",
            Dtype = "bfloat16",
            MaxLength = 1234,
            Conversation = "v1_mmtag",
        },
        Lora = new LoraOptions
        {
            Rank = 64,
            Alpha = 96,
            Dropout = 0.1,
        },
        Training = new TrainingOptions
        {
            LearningRate = 0.0003,
            ProjectorLearningRate = 0.00002,
            WarmupRatio = 0.07,
            GroupByLength = true,
            MinLr = 0.0001,
            Loss = LossMean.TokenMean,
        },
    };

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_number_comes_with_the_settings_that_decided_it()
    {
        var markdown = Text("report.md", Reports.Sequential() with { Options = Options });
        foreach (
            var row in new[]
            {
                "| base model from | /models/seven |",
                "| dtype of the frozen weights | bfloat16 |",
                "| conversation | v1_mmtag |",
                "| longest sequence | 1234 tokens |",
                "| LoRA | rank 64, alpha 96, dropout 0.1 |",
                "| LoRA on | every linear layer of the language model |",
                "| projector | trained, learning rate 2E-05 |",
                "| learning rate | 0.0003, cosine after 0.07 of the steps as warmup, down to 0.0001, afresh",
                "| loss of a step | mean over all its labelled tokens |",
                "grouped by modality and length |",
                "| lora.rank | 64 |",
                "| method | sequential-lora |",
            }
        )
        {
            Assert.Contains(row, markdown, StringComparison.Ordinal);
        }

        Assert.Contains("<td>rank 64, alpha 96, dropout 0.1</td>", Text("report.html"), StringComparison.Ordinal);
        Assert.Contains("<td>lora.train-projector</td><td>true</td>", Text("report.html"), StringComparison.Ordinal);
        var settings = Json()["settings"]!;
        Assert.Equal(
            "bfloat16 64 0.07",
            $"{settings["model"]!["dtype"]} {settings["lora"]!["rank"]} {settings["training"]!["warmup-ratio"]}"
        );
    }

    [Fact]
    public void How_adapters_answered_is_told_as_it_was()
    {
        string Of(ExperimentOptions options) => Text("report.md", Reports.Sequential() with { Options = options });
        var rounded = Options with
        {
            Evaluation = new EvaluationOptions { MergeAdapter = AdapterMerging.Rounded, LoraAlpha = 16 },
        };
        Assert.Contains("| adapters in tests | folded into the weights, rounded to bfloat16 |", Of(rounded), StringComparison.Ordinal);
        Assert.Contains("| alpha in tests | 16 (evaluation.lora-alpha), trained with 96 |", Of(rounded), StringComparison.Ordinal);
        Assert.DoesNotContain("in tests |", Of(Options), StringComparison.Ordinal);
        var four = rounded with { Model = Options.Model with { Quantization = BaseQuantization.Nf4 } };
        Assert.DoesNotContain("folded into", Of(four), StringComparison.Ordinal);
        Assert.DoesNotContain("folded into", Of(rounded with { Method = MoeLoraOptions.Key }), StringComparison.Ordinal);
    }

    [Fact]
    public void What_LoRA_is_on_is_told()
    {
        foreach (
            var (lora, told) in new[]
            {
                (new LoraOptions { Targets = ["q_proj", "v_proj"] }, "q_proj, v_proj of the language model (lora.targets)"),
                (
                    new LoraOptions { TargetPattern = ".*mlp.*" },
                    "linear maps of the language model whose names match .*mlp.* (lora.targets)"
                ),
                (new LoraOptions { From = "/a" }, "the linear maps of the given adapter (lora.from)"),
                (new LoraOptions { TargetPattern = "all-linear", From = "/a" }, "every linear layer of the language model"),
            }
        )
        {
            Assert.Contains(
                $"| LoRA on | {told} |",
                Text("report.md", Reports.Sequential() with { Options = Options with { Lora = lora } }),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public void Where_and_by_which_program_it_was_computed_is_told_or_that_nobody_wrote_it_down()
    {
        var markdown = Text("report.md", Reports.Sequential());
        Assert.Contains("| trained on | not recorded; cuda:0, 8 threads |", markdown, StringComparison.Ordinal);
        Assert.Contains("| tested on | not recorded |", markdown, StringComparison.Ordinal);
        Assert.Contains("| computed by | not recorded; CoIN.Actors 9.9 |", markdown, StringComparison.Ordinal);
        Assert.Contains("| 1 | GQA | not recorded | 10 | not recorded |", markdown, StringComparison.Ordinal);
        var report = Reports.Sequential();
        Write(
            report with
            {
                Cells = [.. report.Cells.Select(cell => cell with { Scored = cell.Scored with { Computations = [new("cpu", 1, "9.9")] } })],
            }
        );
        Assert.Contains("| tested on | cpu, 1 thread |", Text("report.md"), StringComparison.Ordinal);
        Assert.Equal(
            "[null,{\"device\":\"cuda:0\",\"threads\":8,\"version\":\"9.9\"}]",
            Json()["provenance"]!["training"]!.ToString(Formatting.None)
        );
        Assert.Equal("cpu", (string)Json()["provenance"]!["evaluation"]![0]!["computed"]![0]!["device"]!);
    }

    [Fact]
    public void The_options_of_any_method_are_told_by_their_keys_with_the_defaults_of_what_was_not_written_down()
    {
        LearningMethods.Known.Add(new SequentialMethod("told", typeof(Told)));
        var options = Options with { Method = "told", MethodOptions = MethodOptions.Of("told", new Told { SamplesPerTask = 7 }) };
        var report = Reports.Sequential() with { Method = "told", Options = options };

        Assert.Contains("| told.samples-per-task | 7 |\n| told.lambda | 0.5 |", Text("report.md", report), StringComparison.Ordinal);
        Assert.Equal(7, (int)Json()["settings"]!["told"]!["samples-per-task"]!);
        Assert.Contains(
            "| told.samples-per-task | 100 |",
            Text("report.md", report with { Options = options with { MethodOptions = null } }),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_given_adapter_that_is_tested_is_named_with_path_and_hash_in_every_form()
    {
        Write(
            Reports.ZeroShot() with
            {
                Options = Options with
                {
                    Method = ZeroShot.Name,
                    Lora = new LoraOptions { From = "/a/b" },
                },
                GivenAdapterSha256 = "c0ffee",
            }
        );
        var name = "/a/b (SHA-256 c0ffee)";

        Assert.Contains($"Tested: the base model with the adapter {name}.", Text("report.md"), StringComparison.Ordinal);
        Assert.Contains($"the adapter <b>{name}</b>", Text("report.html"), StringComparison.Ordinal);
        Assert.DoesNotContain("untrained model", Text("report.html"), StringComparison.Ordinal);
        Assert.Contains($"\n0,{name},5.5,0\n", Text("matrix.csv"), StringComparison.Ordinal);
        Assert.Contains($",0,{name},GQA,5.5,20,", Text("cells.csv"), StringComparison.Ordinal);
        Assert.Contains("| given adapter | 5.50 | 0.00 |", Text("table.md"), StringComparison.Ordinal);
        Assert.Equal("{\"path\":\"/a/b\",\"sha256\":\"c0ffee\",\"use\":\"tested\"}", Json()["givenAdapter"]!.ToString(Formatting.None));
    }

    private void Write(RunReport report) => ReportFiles.Write(folder.Path, report);

    private string Text(string name, RunReport? report = null)
    {
        if (report is not null)
        {
            Write(report);
        }

        return File.ReadAllText(folder.File(name));
    }

    private JObject Json() => JObject.Parse(Text("report.json"));

    private sealed record Told
    {
        public int SamplesPerTask { get; init; } = 100;

        public double Lambda { get; init; } = 0.5;
    }
}
