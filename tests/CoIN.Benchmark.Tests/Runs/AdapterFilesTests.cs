using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class AdapterFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string adapter;

    public AdapterFilesTests()
    {
        adapter = Directory.CreateDirectory(Path.Combine(folder.Path, "a")).FullName;
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.Weights), "weights");
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.Config), "{\"lora_alpha\": 8}");
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_stage_s_adapter_is_whole_only_with_the_configuration_it_was_written_with_and_nothing_beside_it()
    {
        var stage = Stage(Durable.Sha256OfFolder(adapter));
        Assert.Empty(RunDamage.OfAdapter(folder.Path, stage));
        File.WriteAllText(Path.Combine(adapter, "mm_projector.bin"), "x");
        Assert.Contains("mm_projector.bin", Damage(stage, adapter, again: false).Remedy, StringComparison.Ordinal);
        File.Delete(Path.Combine(adapter, "mm_projector.bin"));
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.Config), "{\"lora_alpha\": 16}");
        Assert.False(Damage(stage, Path.Combine(adapter, AdapterFiles.Config), again: true).Missing);
        File.Delete(Path.Combine(adapter, AdapterFiles.Config));
        Assert.True(Damage(stage, Path.Combine(adapter, AdapterFiles.Config), again: true).Missing);
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.Weights), "others");
        Assert.False(Damage(stage, Path.Combine(adapter, AdapterFiles.Weights), again: true).Missing);
        Directory.Delete(adapter, recursive: true);
        Assert.True(Damage(stage, Path.Combine(adapter, AdapterFiles.Weights), again: true).Missing);
    }

    [Fact]
    public void A_method_s_state_beside_the_adapter_must_stay_as_it_was_too()
    {
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.MethodTensors), "tensors");
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.MethodValues), "{}");
        var stage = Stage(Durable.Sha256OfFolder(adapter));
        Assert.Empty(RunDamage.OfAdapter(folder.Path, stage));
        var given = AdapterFiles.Sha256(adapter);
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.MethodTensors), "others");
        Assert.False(Damage(stage, adapter, again: true).Missing);
        Assert.NotEqual(given, AdapterFiles.Sha256(adapter));
    }

    [Fact]
    public void A_journal_that_is_older_than_the_folder_s_sum_goes_by_the_weights_alone()
    {
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.Config), "{\"lora_alpha\": 16}");
        Assert.Empty(RunDamage.OfAdapter(folder.Path, Stage(null)));
    }

    [Theory]
    [InlineData(ZeroShot.Name)]
    [InlineData(SequentialLora.Name)]
    public void An_adapter_that_a_run_was_given_must_stay_as_it_was_while_it_is_needed(string method)
    {
        var state = State(method, AdapterFiles.Sha256(adapter));
        RunFiles.VerifyGivenAdapter(state, LocalPaths.Same);
        File.WriteAllText(Path.Combine(adapter, "optimizer.pt"), "a training's other files count for nothing");
        RunFiles.VerifyGivenAdapter(state, LocalPaths.Same);
        File.WriteAllText(Path.Combine(adapter, AdapterFiles.Config), "{\"lora_alpha\": 16}");
        Assert.Contains(
            "lora.from",
            Assert.Throws<CoinException>(() => RunFiles.VerifyGivenAdapter(state, LocalPaths.Same)).Message,
            StringComparison.Ordinal
        );
        RunFiles.VerifyGivenAdapter(State(method, null), LocalPaths.Same);
        RunFiles.VerifyGivenAdapter(
            method == ZeroShot.Name
                ? state.Apply(new CellScored(0, 0, 50, 1, "f", "x") { Number = 2 })
                : state.Apply(new StageTrained(1, "T", "a", "x", null, 1, 1, 1, 1) { Number = 2 }),
            LocalPaths.Same
        );
    }

    /// <summary>The one damage, which the run can mend by doing the stage again or cannot.</summary>
    private RunDamage Damage(StageTrained stage, string path, bool again)
    {
        var damage = Assert.Single(RunDamage.OfAdapter(folder.Path, stage));
        Assert.Equal((path, again), (damage.Path, damage.Discard is StageDiscarded));
        return damage;
    }

    private StageTrained Stage(string? folderSha256) =>
        new(1, "T", "a", Durable.Sha256(Path.Combine(adapter, AdapterFiles.Weights)), null, 1, 1, 1, 1) { FolderSha256 = folderSha256 };

    private RunState State(string method, string? given) =>
        RunState.Empty.Apply(
            new RunStarted(
                "r",
                new ExperimentOptions
                {
                    Name = "t",
                    Method = method,
                    Tasks =
                    [
                        new TaskOptions
                        {
                            Name = "T",
                            Folder = "T",
                            Scorer = "gqa",
                        },
                    ],
                    Data = new DataOptions { Instructions = "", Images = "" },
                    Model = new ModelOptions { Path = "m" },
                    Lora = new LoraOptions { From = adapter },
                },
                new Dictionary<string, string>(),
                [1],
                [1]
            )
            {
                GivenAdapterSha256 = given,
                Number = 1,
            }
        );
}
