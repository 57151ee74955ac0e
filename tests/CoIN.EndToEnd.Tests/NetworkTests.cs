using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>
/// A network that is cut between nodes which go on living: one side does the work, the other leaves it, and the run ends with the bits of
/// an undisturbed one.
/// </summary>
public sealed class NetworkTests(NetworkLaboratory whole) : IClassFixture<NetworkLaboratory>
{
    private const string Worker = "trainer,evaluator,judge";

    [Fact]
    public async Task A_trainer_that_is_cut_off_stops_and_frees_its_device_and_another_goes_on_from_the_last_checkpoint()
    {
        Assert.SkipWhen(whole.Network is null, whole.Reason ?? "");
        var network = whole.Network!;
        using var cluster = await whole.ClusterAsync(certified: true);
        var supervisor = await cluster.StartAsync(0, "supervisor,evaluator,judge");
        CoinProcess[] trainers = [await cluster.StartAsync(1, Worker), await cluster.StartAsync(null, Worker, host: 2)];
        using var submit = cluster.Submit("cut", whole.Settings);

        // Cut one way, the others hear what it says, be it that it is done, and it hears nothing.
        foreach (var (stage, bothWays) in new[] { ("2 GQA", true), ("3 OCR-VQA", false) })
        {
            await cluster.OneSaysAsync($"Checkpoint of stage {stage[0]} at step 10", supervisor);
            var lost = Array.FindIndex(trainers, one =>
                one.Output.Contains($"stage {stage}] Training begins at step 0", StringComparison.Ordinal)
            );
            var (victim, other) = (trainers[lost], trainers[1 - lost]);
            foreach (var host in new[] { 0, 2 - lost })
            {
                await network.CutAsync(host, lost + 1);
                if (bothWays)
                {
                    await network.CutAsync(lost + 1, host);
                }
            }

            await victim.EndAsync(TimeSpan.FromMinutes(1));
            Assert.True(victim.ExitCode == 1, victim.Output);
            Assert.Contains("The other nodes have given this one up", victim.Output, StringComparison.Ordinal);

            // Its device is free, and it is welcome.
            await network.MendAsync();
            trainers[lost] = cluster.Begin(lost == 0 ? 1 : null, Worker, host: lost + 1);
            if (bothWays)
            {
                await cluster.SaysAsync(other, $"stage {stage}] Training begins at step 10 ");
            }
        }

        await cluster.CompletesAsync(submit);
        Assert.DoesNotContain("given this one up", supervisor.Output, StringComparison.Ordinal);
        Assert.Single(cluster.Output.Split('\n'), line =>
            line.Contains("stage 3 OCR-VQA] Training begins at step 0", StringComparison.Ordinal)
        );
        Laboratory.AssertSame(whole.Essence, whole.Lab.Essence("cut"));
    }
}

/// <summary>Three hosts, and a run whose stages are long enough to be cut in the middle.</summary>
public sealed class NetworkLaboratory : ClusterLaboratory
{
    private TestNetwork? network;

    /// <summary>Why there is no network.</summary>
    public string? Reason { get; private set; }

    internal override TestNetwork? Network => network;

    internal override string[] Settings => ["training.max-steps=40", "training.checkpoint-every=10"];

    public override async ValueTask InitializeAsync()
    {
        (network, Reason) = await TestNetwork.TryAsync(hosts: 3);
        if (network is not null)
        {
            await base.InitializeAsync();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (network is not null)
        {
            await network.DisposeAsync();
        }
    }
}
