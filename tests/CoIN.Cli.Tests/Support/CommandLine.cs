using CoIN.Cli.Commands;
using CoIN.Cli.Hosting;
using CoIN.Models.Devices;

namespace CoIN.Cli.Tests.Support;

/// <summary>The command in a folder of its own, with a fake engine and captured output.</summary>
internal sealed class CommandLine : IDisposable
{
    private readonly StringWriter output = new();
    private readonly StringWriter error = new();

    public TemporaryFolder Folder { get; } = new();

    public FakeEngine Engine { get; } = new();

    public FakeData Data { get; } = new();

    public Terminal Terminal { get; set; } = Terminal.Plain;

    /// <summary>The GPUs of the computer.</summary>
    public List<GraphicsProcessor> GraphicsProcessors { get; } = [];

    public StopSignals? Signals { get; private set; }

    public bool ExitedAtOnce { get; private set; }

    public string Out => output.ToString();

    public string Error => error.ToString();

    public string Runs => Folder.PathOf("runs");

    public Task<int> InvokeAsync(params string[] arguments) => CommandTree.InvokeAsync(Host(), arguments);

    public Host Host() =>
        new()
        {
            Out = output,
            Error = error,
            Terminal = Terminal,
            Engine = Engine,
            Miniature = Engine,
            Data = Data,
            Folder = Folder.Path,
            Clock = new FixedClock(),
            Variable = _ => null,
            GraphicsProcessors = () => GraphicsProcessors,
            Signals = tell => Signals = new StopSignals(tell, () => ExitedAtOnce = true),
        };

    /// <summary>A configuration in which nothing is missing, as <c>a.hocon</c>.</summary>
    public void WriteConfiguration() =>
        Folder.Write("a.hocon", "coin.name = mine\n" + string.Join('\n', Folder.Complete().Select(setting => "coin." + setting)));

    public void Dispose() => Folder.Dispose();

    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2026, 11, 24, 9, 8, 7, TimeSpan.Zero);
    }
}
