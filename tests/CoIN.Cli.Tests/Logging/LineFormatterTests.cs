using CoIN.Cli.Logging;
using CoIN.Cli.Tests.Support;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;
using Serilog.Events;

namespace CoIN.Cli.Tests.Logging;

public sealed class LineFormatterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly StringWriter lines = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_line_has_level_short_actor_path_stage_task_and_message()
    {
        using (var log = Log(LogLevel.Information))
        {
            var logger = log.Factory.CreateLogger("x");
            using var scope = logger.BeginScope(
                new Dictionary<string, object>
                {
                    ["ActorPath"] = "akka.tcp://coin@host:4053/user/run-1/trainer",
                    ["Stage"] = 2,
                    ["Task"] = "GQA",
                }
            );
            logger.LogWarning("slow\nstep {Step}", 7);
        }

        Assert.Matches(@"^\d\d:\d\d:\d\d WARN  run-1/trainer \[stage 2 GQA\] slow step 7\r?\n$", lines.ToString());
    }

    /// <summary>What the ids of an experiment's runs begin with is left out where an id stands, and nowhere else.</summary>
    [Theory]
    [InlineData("judge-1", "judge-1 [feature-cache16 stage 2 e-task]")]
    [InlineData("run-e-feature-cache16", "run-feature-cache16 [feature-cache16 stage 2 e-task]")]
    public void Lines_of_an_experiment_leave_out_what_its_runs_ids_begin_with(string actor, string expected)
    {
        var line = new LogEvent(
            DateTimeOffset.UnixEpoch,
            LogEventLevel.Information,
            null,
            new Serilog.Parsing.MessageTemplateParser().Parse("done"),
            new Dictionary<string, object>
            {
                ["ActorPath"] = $"akka://coin/user/{actor}",
                ["RunId"] = "e-feature-cache16",
                ["Stage"] = 2,
                ["Task"] = "e-task",
            }.Select(one => new LogEventProperty(one.Key, new ScalarValue(one.Value)))
        );
        new LineFormatter("e-").Format(line, lines);
        Assert.EndsWith($"info  {expected} done", lines.ToString().TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_file_holds_one_object_per_event_with_run_id_and_named_properties()
    {
        using (var log = Log(LogLevel.Information))
        {
            var logger = log.Factory.CreateLogger("x");
            logger.LogDebug("not this");
            logger.LogInformation("step {Step}", 7);
            Assert.Null(log.Notice);
            logger.LogError("bad {Thing}", "disk");
            Assert.Contains("disk", log.Notice);
        }

        var events = File.ReadLines(folder.PathOf("log.clef")).Select(JObject.Parse).ToList();
        Assert.Equal(2, events.Count);
        Assert.Equal(("run-9", 7), (events[0].Value<string>("RunId"), events[0].Value<int>("Step")));
    }

    [Theory]
    [InlineData("akka://coin/user/a/b", "a/b")]
    [InlineData("akka://coin/system/cluster", "cluster")]
    [InlineData("odd", "odd")]
    public void An_actors_path_is_shortened(string path, string expected) => Assert.Equal(expected, LineFormatter.Shortened(path));

    private RunLog Log(LogLevel level) => new(folder.PathOf("log.clef"), "run-9", level, lines);
}
