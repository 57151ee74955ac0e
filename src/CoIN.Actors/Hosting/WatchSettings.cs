using CoIN.Benchmark;

namespace CoIN.Actors.Hosting;

/// <summary>What a process writes for programs that look on; none of it changes a number.</summary>
public sealed record WatchSettings
{
    /// <summary>Whether event files for TensorBoard are kept in the run's folder.</summary>
    public bool Tensorboard { get; init; }

    /// <summary>
    /// A receiver of OpenTelemetry's protocol (OTLP over HTTP) that is sent metrics and traces, e.g. <c>http://localhost:4318</c>; null for
    /// none.
    /// </summary>
    public string? Otlp { get; init; }

    /// <summary>TCP port on which Prometheus may fetch the metrics; 0 for any that is free, null for none.</summary>
    [Bounds(AtLeast = 0, AtMost = 65535, Zero = "any free port", Null = "none")]
    public int? PrometheusPort { get; init; }

    /// <summary>Address of this computer on which that port is opened.</summary>
    public string PrometheusAddress { get; init; } = "127.0.0.1";
}
