using System.Globalization;
using CoIN.Actors.Tests.Support;
using CoIN.EndToEnd.Tests.Support;
using Npgsql;

namespace CoIN.EndToEnd.Tests;

/// <summary>
/// Four nodes and one fault after another, drawn by a seed, while a run goes on: it ends, with the bits of an undisturbed one, nothing is
/// lost and nothing counts twice. <c>COIN_SOAK_FAULTS</c> says how many (20 by default, 50 for a long evening), <c>COIN_SOAK_SEED</c>
/// which.
/// </summary>
public sealed class SoakTests(SoakLaboratory whole) : IClassFixture<SoakLaboratory>
{
    private const int Supervisors = 2;

    private static readonly string[] Roles =
    [
        "supervisor,trainer,evaluator,judge",
        "supervisor,trainer,evaluator,judge",
        "trainer,evaluator,judge",
        "trainer,evaluator,judge",
    ];

    [Fact]
    public async Task A_run_ends_with_the_same_bits_whatever_happens_to_its_nodes_and_its_database()
    {
        var random = new Random(SoakLaboratory.Seed);
        using var cluster = await whole.ClusterAsync();
        var faults = new List<string>();
        var nodes = Roles.Select((_, place) => Begin(cluster, place)).ToArray();
        await HealAsync();
        var submit = cluster.Submit("soak", whole.Settings);
        await cluster.OneSaysAsync("Checkpoint of stage 1 at step 5", nodes);
        while (faults.Count < SoakLaboratory.Faults && !submit.HasExited)
        {
            var place = random.Next(nodes.Length);
            var fault = (Fault)random.Next(Enum.GetValues<Fault>().Length);
            faults.Add($"{DateTime.Now:HH:mm:ss} {fault} {(fault < Fault.DatabaseCut ? place + 1 : "")}");
            switch (fault)
            {
                case Fault.Kill:
                    await nodes[place].KillAsync();
                    break;
                case Fault.Leave:
                    nodes[place].Terminate();
                    await nodes[place].EndAsync(TimeSpan.FromMinutes(1));
                    Assert.True(nodes[place].ExitCode == 0, nodes[place].Output);
                    break;
                case Fault.StandStill:
                    // For longer than the cluster's patience, or not.
                    nodes[place].Stop();
                    await Task.Delay(TimeSpan.FromSeconds(1 + (7 * random.NextDouble())), TestContext.Current.CancellationToken);
                    nodes[place].Continue();
                    break;
                case Fault.DatabaseCut:
                    await whole.Database.CutAsync();
                    break;
                case Fault.DatabaseAway:
                    await whole.Database.KillAsync();
                    await Task.Delay(TimeSpan.FromSeconds(3 * random.NextDouble()), TestContext.Current.CancellationToken);
                    await whole.Database.StartAgainAsync();
                    break;
            }

            await HealAsync();
            await Task.Delay(TimeSpan.FromSeconds(2 * random.NextDouble()), TestContext.Current.CancellationToken);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"seed {SoakLaboratory.Seed}\n{string.Join('\n', faults)}");
        await CompletesAsync();
        Laboratory.AssertSame(whole.Essence, whole.Lab.Essence("soak"));
        Assert.Equal(["cell-scored 6", "run-completed 1", "run-started 1", "stage-trained 3"], await EventsAsync(cluster));
        return;

        // The command that looks on may have lost its node; another look is as good.
        async Task CompletesAsync()
        {
            try
            {
                await cluster.CompletesAsync(submit);
            }
            catch (Xunit.Sdk.XunitException e)
            {
                using var again = CoinProcess.Start("resume", "soak", "--cluster", cluster.Contacts);
                await again.EndAsync(whole.Longest);
                Assert.True(again.ExitCode == 0, $"seed {SoakLaboratory.Seed}\n{string.Join('\n', faults)}\n{e.Message}\n{again.Output}");
            }
            finally
            {
                submit.Dispose();
            }
        }

        // Whoever has ended, as one does that was given up, is started again, as systemd would; all are to be in the cluster.
        async Task HealAsync()
        {
            for (var deadline = DateTime.UtcNow + TimeSpan.FromMinutes(2); ; await Task.Delay(100, TestContext.Current.CancellationToken))
            {
                for (var place = 0; place < nodes.Length; place++)
                {
                    if (nodes[place].HasExited)
                    {
                        nodes[place] = Begin(cluster, place);
                    }
                }

                if (Array.TrueForAll(nodes, node => !node.HasExited && node.Output.Contains("cluster This node", StringComparison.Ordinal)))
                {
                    return;
                }

                Assert.True(
                    DateTime.UtcNow < deadline,
                    $"seed {SoakLaboratory.Seed}: not all nodes came back\n{string.Join('\n', faults)}\n{cluster.Output}"
                );
            }
        }
    }

    private static CoinProcess Begin(TestCluster cluster, int place) => cluster.Begin(place < Supervisors ? place : null, Roles[place]);

    private static async Task<string[]> EventsAsync(TestCluster cluster)
    {
        await using var connection = new NpgsqlConnection(cluster.Database + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "SELECT split_part(manifest, ':', 1), count(*) FROM coin.journal WHERE manifest ~ '^(run-started|run-completed|stage-trained|cell-scored):' GROUP BY 1 ORDER BY 1",
            connection
        );
        await using var reader = await command.ExecuteReaderAsync();
        var counts = new List<string>();
        while (await reader.ReadAsync())
        {
            counts.Add(string.Create(CultureInfo.InvariantCulture, $"{reader.GetString(0)} {reader.GetInt64(1)}"));
        }

        return [.. counts];
    }

    private enum Fault
    {
        Kill,
        Leave,
        StandStill,
        DatabaseCut,
        DatabaseAway,
    }
}

/// <summary>A run that is as long as its faults are many.</summary>
public sealed class SoakLaboratory : ClusterLaboratory
{
    public static int Faults => Number("COIN_SOAK_FAULTS", 20);

    public static int Seed => Number("COIN_SOAK_SEED", 1);

    internal override string[] Settings => [$"training.max-steps={20 + (15 * Faults)}", "training.checkpoint-every=5"];

    internal override TimeSpan Longest => TimeSpan.FromMinutes(3 + Faults);

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
