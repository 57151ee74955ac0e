using CoIN.Actors.Hosting;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Reports;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Commands;

/// <summary>Testing an adapter, or the base model, without a run.</summary>
public sealed class EvalCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public EvalCommandTests()
    {
        coin.WriteConfiguration();
        coin.Folder.Write("data/OCRVQA/test.json", "[]");
        coin.Folder.Write("adapter/adapter_config.json", "{}");
        coin.Engine.Drive = (ticket, _) =>
        {
            var tasks = coin.Engine.Options!.Tasks.Select(task => task.Name).ToList();
            foreach (var task in tasks)
            {
                Write(ticket.RunFolder, RunPaths.Predictions(0, task), $"answers to {task}\n");
                Write(
                    ticket.RunFolder,
                    RunPaths.Scores(0, task),
                    string.Concat(
                        Enumerable.Range(0, 4).Select(i => $"{{\"question_id\":\"{i}\",\"published\":{i % 2},\"corrected\":1}}\n")
                    )
                );
            }

            coin.Engine.Reports[Path.GetFileName(ticket.RunFolder)] = new RunReport
            {
                RunId = ticket.RunId,
                Name = "mine",
                Method = ZeroShot.Name,
                Seed = 1,
                Status = "completed",
                Tasks = tasks,
                BaseModelSha256 = "b0",
                GivenAdapterSha256 = "a0",
                Cells =
                [
                    .. tasks.Select(task => new CellReport(task, new(0, 0, 50, 4, "p", "p0") { Corrected = 100, CorrectedSamples = 4 })
                    {
                        AnswerSeconds = 2,
                    }),
                ],
            };
            return Snapshots.Of(0, RunStatus.Completed) with { RunId = ticket.RunId };
        };
    }

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task The_tasks_are_tested_with_the_adapter_and_nothing_is_left_among_the_runs()
    {
        Assert.True(
            await coin.InvokeAsync("eval", "a.hocon", "--adapter", "adapter", "--tasks", "gqa,OCR-VQA", "--set", "method=moelora") == 0,
            coin.Error
        );

        var options = coin.Engine.Options!;
        Assert.Equal((ZeroShot.Name, coin.Folder.PathOf("adapter")), (options.Method, options.Lora.From));
        Assert.Equal(["GQA", "OCR-VQA"], options.Tasks.Select(task => task.Name));
        Assert.Contains($"model with the adapter {coin.Folder.PathOf("adapter")} (SHA-256 a0)", coin.Out, StringComparison.Ordinal);
        Assert.Matches(@"GQA +50\.00 +0\.00 to 100\.00 +4 +100\.00 +4 +2\.0\n", coin.Out);
        Assert.False(Directory.Exists(coin.Runs));
        Assert.False(Directory.Exists(coin.Engine.Ticket!.RunFolder));
    }

    [Fact]
    public async Task Programs_get_json_and_nothing_else_and_a_folder_with_answers_and_scores()
    {
        Assert.True(await coin.InvokeAsync("eval", "a.hocon", "--out", "here/base", "--json") == 0, coin.Error);

        var printed = JObject.Parse(coin.Out);
        Assert.Equal(JTokenType.Null, printed["adapter"]!.Type);
        var task = Assert.Single(printed["tasks"]!);
        Assert.Equal(
            "GQA 50 4 100 p0 0 100",
            $"{task["task"]} {task["published"]} {task["samples"]} {task["corrected"]} {task["predictionsSha256"]} {task["interval"]![0]} {task["interval"]![1]}"
        );
        Assert.Equal("answers to GQA\n", File.ReadAllText(coin.Folder.PathOf("here", "base", "predictions", "GQA.jsonl")));
        Assert.True(File.Exists(coin.Folder.PathOf("here", "base", "scores", "GQA.jsonl")));
        Assert.Equal(printed, JObject.Parse(File.ReadAllText(coin.Folder.PathOf("here", "base", "eval.json"))));
    }

    [Fact]
    public async Task Whatever_the_configuration_says_of_clusters_it_is_alone()
    {
        Assert.True(
            await coin.InvokeAsync(
                "eval",
                "a.hocon",
                "--set",
                "node.cluster=clear-text",
                "--set",
                "cluster.journal=\"Host=127.0.0.1;Database=none\"",
                "--set",
                "node.roles=[evaluator]"
            ) == 0,
            coin.Error
        );
        Assert.Equal(
            (new NodePlacement.Alone(), null, 4),
            (coin.Engine.Ticket!.Node.Placement, coin.Engine.Ticket.Node.Cluster.Journal, coin.Engine.Ticket.Node.Roles.Count)
        );
    }

    [Theory]
    [InlineData(1, "coin.lora.from: ", "holds no adapter_config.json", "a.hocon", "--adapter", "images")]
    [InlineData(1, "--tasks QGA: there is no task of this name; did you mean GQA?", "", "a.hocon", "--tasks", "QGA")]
    [InlineData(1, "--out data: there is something already", "", "a.hocon", "--out", "data")]
    [InlineData(2, "Name a configuration with the model and the data", "", "--adapter", "adapter")]
    public async Task What_cannot_be_tested_is_told_before_anything_is_loaded(
        int code,
        string fault,
        string more,
        params string[] arguments
    )
    {
        Assert.Equal(code, await coin.InvokeAsync(["eval", .. arguments]));
        Assert.Contains(fault, coin.Error, StringComparison.Ordinal);
        Assert.Contains(more, coin.Error, StringComparison.Ordinal);
        Assert.Empty(coin.Engine.Asked);
    }

    [Fact]
    public async Task Stopped_it_ends_with_130_failed_with_1_and_both_say_why()
    {
        coin.Engine.Drive = (_, _) => Snapshots.Of(0, RunStatus.Stopped);
        Assert.Equal(130, await coin.InvokeAsync("eval", "a.hocon"));
        Assert.Contains("A test that can be resumed is a run", coin.Error, StringComparison.Ordinal);
        coin.Engine.Drive = (_, _) => Snapshots.Of(0, RunStatus.Failed) with { Message = "the image x.png is broken" };
        Assert.Equal(1, await coin.InvokeAsync("eval", "a.hocon"));
        Assert.Contains("the image x.png is broken", coin.Error, StringComparison.Ordinal);
        Assert.Empty(coin.Out);
        Assert.False(Directory.Exists(coin.Engine.Ticket!.RunFolder));
    }

    private static void Write(string folder, string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, file))!);
        File.WriteAllText(Path.Combine(folder, file), text);
    }
}
