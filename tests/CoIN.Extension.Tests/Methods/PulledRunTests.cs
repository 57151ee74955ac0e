using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Work;
using CoIN.Configuration;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Learning;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

/// <summary>Whole runs of a method that the product does not know: from a recipe through the actors to the reports.</summary>
public sealed class PulledRunTests : IDisposable
{
    private const string Recipe = """
        coin {
          name = "pulled"
          method = "pull-to-start"
          pull-to-start.strength = 5
          order = ["First", "Second"]
          tasks {
            First { folder = "First", scorer = "exact", max-new-tokens = 4 }
            Second { folder = "Second", scorer = "exact", max-new-tokens = 4 }
          }
          data { instructions = "data", images = "data" }
          model { path = "model", max-length = 120, conversation = "vicuna_v1_no_system" }
          lora { rank = 4, alpha = 8, dropout = 0.1 }
          training {
            learning-rate = 1e-2, schedule = "constant", warmup-ratio = 0, batch-size = 2, gradient-accumulation = 2
            max-steps = 4, epochs = 100, checkpoint-every = 1
          }
          evaluation { batch-size = 2, shard-size = 2 }
          node { trainer-threads = 1, evaluator-threads = 1 }
        }
        """;

    private readonly DisposeScope scope = NewDisposeScope();
    private readonly TemporaryFolder folder = new();

    public PulledRunTests()
    {
        TinyLlava.WriteHub(folder.Of("model"));
        foreach (var (task, answers) in new[] { ("First", "abc"), ("Second", "def") })
        {
            Directory.CreateDirectory(folder.Of("data", task));
            File.WriteAllText(
                folder.Of("data", task, "train.json"),
                new JArray(
                    Enumerable
                        .Range(0, 6)
                        .Select(i => new JObject
                        {
                            ["id"] = $"{task}-{i}",
                            ["conversations"] = new JArray(Turn("human", $"{"abcdef"[i]} h"), Turn("gpt", $"{answers[i % 3]}")),
                        })
                ).ToString()
            );
            File.WriteAllText(
                folder.Of("data", task, "test.json"),
                new JArray(
                    Enumerable
                        .Range(0, 3)
                        .Select(i => new JObject
                        {
                            ["question_id"] = $"{task}-{i}",
                            ["text"] = $"{"abcdef"[i]} h",
                            ["answer"] = $"{answers[i]}",
                        })
                ).ToString()
            );
        }

        File.WriteAllText(folder.Of("pulled.hocon"), Recipe);
    }

    public void Dispose()
    {
        folder.Dispose();
        scope.Dispose();
    }

    [Fact]
    public async Task A_recipe_names_it_and_a_run_of_two_stages_carries_its_state_and_resumes_to_the_bit()
    {
        var loaded = ConfigurationLoader.Load([folder.Of("pulled.hocon")], [], folder.Path);
        Assert.Equal(PullToStart.Key, loaded.Options.Method);
        Assert.Equal(5, loaded.Options.OptionsOf<PullToStartOptions>().Strength);
        var whole = await Run("whole", loaded.Options, loaded.Node);
        Assert.True(whole.Status == RunStatus.Completed, whole.Message);

        // It has pulled: the sections' other strengths give other adapters.
        var slack = loaded.Options with { MethodOptions = MethodOptions.Of(PullToStart.Key, new PullToStartOptions { Strength = 0 }) };
        Assert.Equal(RunStatus.Completed, (await Run("slack", slack, loaded.Node)).Status);
        Assert.NotEqual(Contents("whole"), Contents("slack"));

        // The second stage was drawn to where the first one ended.
        var stages = RunJournal.Read(folder.Of("runs", "whole"))!.Trained;
        Assert.Equal(
            [1, 2],
            Enumerable
                .Range(1, 2)
                .Select(stage =>
                    (int)JObject.Parse(File.ReadAllText(Path.Combine(Adapter(stage), AdapterFiles.MethodValues)))["Values"]!["Stages"]!
                )
        );
        using (var ended = new Models.Checkpoints.SafetensorsFile(Path.Combine(Adapter(1), AdapterFiles.Weights)))
        using (var anchor = new Models.Checkpoints.SafetensorsFile(Path.Combine(Adapter(2), AdapterFiles.MethodTensors)))
        {
            Assert.All(ended.Names, name => Assert.Equal(0, GoldenFolder.Difference(ended.Read(name), anchor.Read(name))));
        }

        // Stopped again and again, and ended by the journal's options alone.
        var status = RunStatus.Starting;
        var rounds = 0;
        for (; status != RunStatus.Completed; rounds++)
        {
            using var stop = new CancellationTokenSource();
            var seen = 0;
            void StopLater(RunSnapshot snapshot)
            {
                if (++seen == 4 * (rounds + 1))
                {
                    stop.Cancel();
                }
            }

            var last = await Run("pieces", rounds == 0 ? loaded.Options : null, loaded.Node, StopLater, stop.Token);
            Assert.True(last.Status is RunStatus.Completed or RunStatus.Stopped, last.Message);
            status = last.Status;
        }

        Assert.InRange(rounds, 2, 100);
        Assert.Equal(Contents("whole"), Contents("pieces"));

        // A state that was tampered with is not taken up.
        File.AppendAllText(Path.Combine(Adapter(1), AdapterFiles.MethodValues), " ");
        var fault = await Assert.ThrowsAsync<CoinException>(() => Run("whole", null, loaded.Node));
        Assert.Contains(Adapter(1), fault.Message, StringComparison.Ordinal);

        string Adapter(int stage) => folder.Of("runs", "whole", stages[stage].Folder);
    }

    private static JObject Turn(string from, string value) => new() { ["from"] = from, ["value"] = value };

    private async Task<RunSnapshot> Run(
        string id,
        ExperimentOptions? options,
        NodeSettings node,
        Action<RunSnapshot>? see = null,
        CancellationToken stop = default
    )
    {
        using var learners = new LearnerFactory(warning => Assert.Fail(warning)) { Methods = PulledMethods.Known };
        return await RunHost
            .RunAsync(
                new RunRequest(id, folder.Of("runs", id), options, node),
                learners,
                new JudgeFactory(null, _ => null),
                new BenchmarkWork(),
                new Observer(see),
                NullLoggerFactory.Instance,
                stop
            )
            .WaitAsync(TimeSpan.FromSeconds(120), CancellationToken.None);
    }

    /// <summary>Adapters, method states and predictions of a run.</summary>
    private List<string> Contents(string id) =>
        [
            .. new[] { "stages", "predictions", "scores" }
                .SelectMany(part => Directory.GetFiles(folder.Of("runs", id, part), "*", SearchOption.AllDirectories))
                .Select(path => $"{Path.GetRelativePath(folder.Of("runs", id), path)}: {Convert.ToHexString(File.ReadAllBytes(path))}")
                .Order(StringComparer.Ordinal),
        ];

    private sealed class Observer(Action<RunSnapshot>? see) : IRunObserver
    {
        public void Observe(RunSnapshot snapshot) => see?.Invoke(snapshot);
    }
}
