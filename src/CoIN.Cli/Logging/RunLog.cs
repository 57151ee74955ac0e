using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting;
using Serilog.Formatting.Compact;

namespace CoIN.Cli.Logging;

/// <summary>A run's log: one JSON object per line in its folder, and lines for people where no live view is shown.</summary>
internal sealed class RunLog : IDisposable
{
    private readonly Logger logger;
    private readonly NoticeSink notices = new();

    /// <param name="file">The log file; appended to.</param>
    /// <param name="runId">Given to every event in the file.</param>
    /// <param name="level">Least severe level.</param>
    /// <param name="lines">Where lines for people go; null for nowhere.</param>
    public RunLog(string file, string runId, LogLevel level, TextWriter? lines)
        : this(
            configuration =>
                configuration.WriteTo.Logger(own => own.Enrich.WithProperty("RunId", runId).WriteTo.File(new CompactJsonFormatter(), file)),
            "",
            level,
            lines
        ) { }

    private RunLog(Action<LoggerConfiguration> files, string prefix, LogLevel level, TextWriter? lines, bool node = false)
    {
        var configuration = new LoggerConfiguration()
            .MinimumLevel.Is(LevelConvert.ToSerilogLevel(level))
            .WriteTo.Sink(notices, LogEventLevel.Warning);
        files(configuration);
        if (lines is not null)
        {
            // People are told what the run's actors say; what the cluster says about itself goes to the file unless it is a warning, and
            // what ends the process is told to them as a sentence of its own. What the view tells them from the run's snapshots stands in
            // the file alone.
            configuration.WriteTo.Logger(people =>
                people
                    .Filter.ByIncludingOnly(entry =>
                        (entry.Level is LogEventLevel.Warning or LogEventLevel.Error && !IsOfConnections(entry))
                        || (
                            entry.Level < LogEventLevel.Warning
                            && (
                                node
                                    ? entry.Properties.ContainsKey("RunId") || IsOurs(entry)
                                    : entry.Properties.ContainsKey("RunId") && !entry.Properties.ContainsKey("Narrated")
                            )
                        )
                    )
                    .WriteTo.Sink(new LineSink(lines, new LineFormatter(prefix)))
            );
        }

        logger = configuration.CreateLogger();
        Factory = new SerilogLoggerFactory(logger, dispose: false);
    }

    /// <summary>The log of an experiment: all events in its own file, and those of a run in the run's too.</summary>
    /// <param name="file">The experiment's log file.</param>
    /// <param name="runs">Log files of the runs, by their ids.</param>
    /// <param name="prefix">What the runs' ids begin with: lines for people leave it out.</param>
    public static RunLog OfExperiment(
        string file,
        IReadOnlyDictionary<string, string> runs,
        string prefix,
        LogLevel level,
        TextWriter? lines
    ) =>
        new(
            configuration =>
            {
                configuration.WriteTo.File(new CompactJsonFormatter(), file);
                foreach (var (id, path) in runs)
                {
                    configuration.WriteTo.Logger(own =>
                        own.Filter.ByIncludingOnly(entry =>
                                entry.Properties.GetValueOrDefault("RunId") is ScalarValue { Value: string run } && run == id
                            )
                            .WriteTo.File(new CompactJsonFormatter(), path)
                    );
                }
            },
            prefix,
            level,
            lines
        );

    /// <summary>The log of a node: what it and the runs' actors on it say, each event with the node's host and roles.</summary>
    /// <param name="file">The log file; appended to.</param>
    public static RunLog OfNode(string file, string host, string roles, LogLevel level, TextWriter lines) =>
        new(
            configuration =>
                configuration
                    .Enrich.WithProperty("Host", host)
                    .Enrich.WithProperty("Role", roles)
                    .WriteTo.File(new CompactJsonFormatter(), file),
            "",
            level,
            lines,
            node: true
        );

    /// <summary>The log of a command that looks at a cluster: warnings only.</summary>
    public static RunLog OfCommand(TextWriter lines) => new(_ => { }, "", LogLevel.Warning, lines);

    /// <summary>For everything that logs through Microsoft.Extensions.Logging, Akka among it.</summary>
    public ILoggerFactory Factory { get; }

    /// <summary>The latest warning or error, for a view that has room for one line; null while there is none.</summary>
    public string? Notice => notices.Latest;

    /// <summary>Writes the fault that ends the process down, with its stack trace.</summary>
    public void Fatal(Exception fault) => logger.Fatal(fault, "The process ends: {Fault}", fault.Message);

    /// <summary>Writes what is buffered.</summary>
    public void Dispose()
    {
        Factory.Dispose();
        logger.Dispose();
    }

    /// <summary>
    /// Whether it is about a single connection or heartbeat: these come and go, and what becomes of nodes is told in sentences of its own.
    /// </summary>
    private static bool IsOfConnections(LogEvent entry) =>
        entry.Properties.GetValueOrDefault("ActorPath") is ScalarValue { Value: string path }
        && (
            path.Contains("/system/endpointManager", StringComparison.Ordinal)
            || path.Contains("/heartbeatSender", StringComparison.Ordinal)
        );

    /// <summary>Whether this program's own code says it, rather than Akka's: its actors name the part that they are.</summary>
    private static bool IsOurs(LogEvent entry) =>
        entry.Properties.ContainsKey("Part")
        || (
            entry.Properties.GetValueOrDefault("SourceContext") is ScalarValue { Value: string source }
            && source.StartsWith("CoIN.", StringComparison.Ordinal)
        );

    private sealed class LineSink(TextWriter lines, ITextFormatter formatter) : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            using var text = new StringWriter();
            formatter.Format(logEvent, text);
            lines.Write(text.ToString());
            lines.Flush();
        }
    }

    private sealed class NoticeSink : ILogEventSink
    {
        private volatile string? latest;

        public string? Latest => latest;

        public void Emit(LogEvent logEvent) =>
            latest = logEvent.RenderMessage(System.Globalization.CultureInfo.InvariantCulture).ReplaceLineEndings(" ");
    }
}
