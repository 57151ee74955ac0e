using CoIN.Cli.Logging;
using CoIN.Cli.Tests.Support;
using Serilog.Events;

namespace CoIN.Cli.Tests.Logging;

public sealed class LogLineTests : IDisposable
{
    private const string Trained =
        """{"@t":"2026-11-27T13:52:29.1234567Z","@mt":"Trained {Steps} steps in {Seconds:F1} s, loss {Loss:F4}","@r":["11.7","0.4425"],"Steps":40,"Seconds":11.7123,"Loss":0.44251,"RunId":"m1","Stage":1,"Task":"GQA","ActorPath":"akka://coin/user/trainer-cpu"}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_line_is_read_with_its_values_in_its_text()
    {
        var line = LogLine.Read(Trained)!;
        Assert.Equal("Trained 40 steps in 11.7 s, loss 0.4425", line.Message);
        Assert.Equal((LogEventLevel.Information, "trainer-cpu", "m1", 1, "GQA"), (line.Level, line.Actor, line.Run, line.Stage, line.Task));
        Assert.EndsWith(
            " info  trainer-cpu [m1 stage 1 GQA] Trained 40 steps in 11.7 s, loss 0.4425",
            line.Text(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_fault_has_its_stack_trace()
    {
        var line = LogLine.Read(
            """{"@t":"2026-11-27T13:52:29Z","@mt":"The process ends: {Fault}","@l":"Fatal","@x":"System.Exception: no\n   at X","Fault":"no"}"""
        )!;
        Assert.Equal((LogEventLevel.Fatal, "The process ends: no"), (line.Level, line.Message));
        Assert.EndsWith("\nSystem.Exception: no\n   at X", line.Text(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"@t\":\"2026-11-2")]
    [InlineData("[]")]
    [InlineData("{}")]
    public void What_is_no_line_is_none(string text) => Assert.Null(LogLine.Read(text));

    [Fact]
    public void Files_of_several_nodes_are_read_by_time_and_only_whole_lines_and_each_once()
    {
        folder.Write("log.clef", Line(1, "one") + Line(4, "four"));
        folder.Write("log-b.clef", Line(2, "two") + Line(3, "three")[..20]);
        var reader = new LogReader(folder.Path);
        Assert.Equal(["one", "two", "four"], reader.Next().Select(line => line.Message));
        File.AppendAllText(folder.PathOf("log-b.clef"), Line(3, "three")[20..]);
        Assert.Equal(["three"], reader.Next().Select(line => line.Message));
        Assert.Empty(reader.Next());
    }

    [Fact]
    public void What_the_nodes_of_a_cluster_logged_of_a_run_is_its_log_too()
    {
        folder.Write("one/log.clef", Line(2, "here", "one"));
        folder.Write(".nodes/a-5300.clef", Line(1, "trains", "one") + Line(2, "trains another", "one-more") + Line(3, "node"));
        folder.Write(".nodes/b-5300.clef", Line(4, "tests", "one"));
        Assert.Equal(["trains", "here", "tests"], new LogReader(folder.PathOf("one")).Next().Select(line => line.Message));
        Assert.Equal(["trains another"], new LogReader(folder.PathOf("one-more")).Next().Select(line => line.Message));
    }

    [Fact]
    public void An_experiments_log_has_what_its_runs_logged_alone_and_each_line_once()
    {
        folder.Write("e/log.clef", Line(1, "begins") + Line(2, "trains", "e-a"));
        folder.Write("e-a/log.clef", Line(2, "trains", "e-a") + Line(5, "resumed alone", "e-a"));
        folder.Write("e-b/log.clef", Line(3, "tests", "e-b"));
        var reader = new LogReader(folder.PathOf("e"), ["e-a", "e-b"]);
        Assert.Equal(["begins", "trains", "tests", "resumed alone"], reader.Next().Select(line => line.Message));
        File.AppendAllText(folder.PathOf("e", "log.clef"), Line(6, "ends", "e-b"));
        File.AppendAllText(folder.PathOf("e-b", "log.clef"), Line(6, "ends", "e-b"));
        Assert.Equal(["ends"], reader.Next().Select(line => line.Message));
    }

    private static string Line(int second, string text, string? run = null) =>
        $"{{\"@t\":\"2026-11-27T13:52:0{second}Z\",\"@mt\":\"{text}\"{(run is null ? "" : $",\"RunId\":\"{run}\"")}}}\n";
}
