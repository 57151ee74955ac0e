using System.Diagnostics;
using System.Globalization;
using CoIN.Cli.Hosting;

namespace CoIN.Cli.Tests.Commands;

public sealed class StopSignalsTests
{
    [Fact]
    public void The_first_signal_asks_to_stop_and_the_second_ends_the_process()
    {
        var (told, exits) = (new List<string>(), 0);
        using var signals = new StopSignals(told.Add, () => exits++);
        Assert.False(signals.Stop.IsCancellationRequested);

        signals.Raise();

        Assert.True(signals.Stop.IsCancellationRequested);
        Assert.Contains("stopping after this step", Assert.Single(told));
        Assert.Equal(0, exits);
        signals.Raise();
        Assert.Equal(1, exits);
    }

    [Fact]
    public void A_signal_of_the_operating_system_does_not_end_the_process_but_asks_to_stop()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "signals are sent by kill");
        using var told = new ManualResetEventSlim();
        using var signals = StopSignals.Listen(_ => told.Set(), () => { });

        using var kill = Process.Start("kill", ["-HUP", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();

        Assert.True(told.Wait(TimeSpan.FromSeconds(10)));
        Assert.True(signals.Stop.WaitHandle.WaitOne(TimeSpan.FromSeconds(10)));
    }
}
