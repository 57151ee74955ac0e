using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>Ctrl-C, and once more before the first one was answered.</summary>
public sealed class SignalTests(Laboratory lab) : IClassFixture<Laboratory>
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Two_signals_in_quick_succession_while_a_resumed_run_loads_end_it_with_130_and_it_can_be_resumed()
    {
        const string Id = "twice";
        using (var coin = CoinProcess.Start(lab.Run(Id, "training.max-steps=60")))
        {
            Assert.True(
                await coin.UntilAsync(() => coin.Output.Contains("Checkpoint of stage 1", StringComparison.Ordinal), Longest),
                coin.Output
            );
            await coin.KillAsync();
        }

        // From the first moment at which the command listens, over the loading of the native libraries, to the first steps.
        for (var wait = 0; wait < 800; wait += 100)
        {
            using var coin = CoinProcess.Start(lab.Resume(Id));
            Assert.True(await coin.UntilAsync(() => coin.Output.Contains("Resuming", StringComparison.Ordinal), Longest), coin.Output);
            await Task.Delay(wait, TestContext.Current.CancellationToken);
            coin.Interrupt();
            await Task.Delay(40, TestContext.Current.CancellationToken);
            coin.Interrupt();
            await coin.EndAsync(TimeSpan.FromSeconds(30));
            Assert.True(coin.ExitCode == 130, $"after {wait} ms it ended with {coin.ExitCode}:\n{coin.Output}");
        }

        var (code, output) = await CoinProcess.RunAsync(lab.Resume(Id));
        Assert.True(code == 0, output);
    }
}
