using CoIN.Cli.Engine;
using CoIN.Models.Devices;

namespace CoIN.Cli.Hosting;

/// <summary>The world around a command: streams, terminal, clock, folders, and the engine that does the work.</summary>
internal sealed record Host
{
    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    public required Terminal Terminal { get; init; }

    public required IRunEngine Engine { get; init; }

    public required IMiniature Miniature { get; init; }

    public required IDataTools Data { get; init; }

    /// <summary>What drives nodes of a cluster and speaks with them.</summary>
    public IClusterEngine Cluster { get; init; } = new ClusterEngine();

    /// <summary>The current folder.</summary>
    public required string Folder { get; init; }

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Reads an environment variable.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Lists the GPUs of this computer.</summary>
    public Func<IReadOnlyList<GraphicsProcessor>> GraphicsProcessors { get; init; } = Models.Devices.GraphicsProcessors.List;

    /// <summary>Makes the token that Ctrl-C and SIGTERM cancel; it is told what to say and where.</summary>
    public required Func<Action<string>, IStopSignals> Signals { get; init; }
}
