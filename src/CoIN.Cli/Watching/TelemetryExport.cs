using System.Diagnostics.Tracing;
using System.Net;
using CoIN.Actors.Hosting;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark;
using CoIN.Benchmark.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace CoIN.Cli.Watching;

/// <summary>Sends the metrics and traces of this process to those who asked for them, by OTLP and on request to Prometheus.</summary>
internal sealed class TelemetryExport : IAsyncDisposable
{
    private const string Path = "/metrics";

    // What .NET itself measures: garbage collection, processor time, memory.
    private const string Runtime = "System.Runtime";

    private readonly List<IDisposable> parts = [];
    private WebApplication? server;

    private TelemetryExport() { }

    /// <summary>Where Prometheus may fetch the metrics; null where it may not.</summary>
    public string? Metrics { get; private set; }

    /// <summary>Begins to send; null where nobody asked for anything, and then nothing is measured either.</summary>
    /// <exception cref="CoinException">The port for Prometheus cannot be listened on.</exception>
    public static async Task<TelemetryExport?> StartAsync(WatchSettings settings, ILogger log)
    {
        if (settings.Otlp is null && settings.PrometheusPort is null)
        {
            return null;
        }

        var export = new TelemetryExport();
        var metrics = Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe).AddMeter(RunMetrics.Name, Runtime);
        if (settings.Otlp is { } receiver)
        {
            export.parts.Add(new FailureListener(receiver, log));
            metrics.AddOtlpExporter(options => To(options, receiver, "v1/metrics"));
            export.parts.Add(
                Sdk.CreateTracerProviderBuilder()
                    .ConfigureResource(Describe)
                    .AddSource(RunMetrics.Name)
                    .AddOtlpExporter(options => To(options, receiver, "v1/traces"))
                    .Build()
            );
        }

        if (settings.PrometheusPort is not null)
        {
            metrics.AddPrometheusExporter();
        }

        var provider = metrics.Build();
        export.parts.Add(provider);
        if (settings.PrometheusPort is { } port)
        {
            try
            {
                await export.ServeAsync(provider, IPAddress.Parse(settings.PrometheusAddress), port).ConfigureAwait(false);
            }
            catch (CoinException)
            {
                await export.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }

        return export;
    }

    /// <summary>Sends what is left, and ends. A receiver that does not answer is waited for a few seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        // The listener to failures stands first: it goes last.
        foreach (var part in parts.AsEnumerable().Reverse())
        {
            part.Dispose();
        }
    }

    private static void Describe(ResourceBuilder resource) =>
        resource
            .AddService("coin", serviceVersion: ProductVersion.Current)
            .AddAttributes([new("host.name", Environment.MachineName), new("process.pid", Environment.ProcessId)]);

    private static void To(OtlpExporterOptions options, string receiver, string path) =>
        (options.Protocol, options.Endpoint) = (OtlpExportProtocol.HttpProtobuf, new Uri(new Uri(receiver), path));

    private async Task ServeAsync(MeterProvider provider, IPAddress address, int port)
    {
        var app = QuietWeb.Build(address, port);
        app.UseOpenTelemetryPrometheusScrapingEndpoint(provider, null, Path, null, null);
        Metrics = await QuietWeb.StartAsync(app, address, port, "watch.prometheus-port").ConfigureAwait(false) + Path[1..];
        server = app;
    }

    /// <summary>The exporter tells nobody but its own event source that a receiver cannot be reached: people are told once.</summary>
    private sealed class FailureListener(string receiver, ILogger log) : EventListener
    {
        private const string Exporter = "OpenTelemetry-Exporter-OpenTelemetryProtocol";

        private int told;

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == Exporter)
            {
                EnableEvents(eventSource, EventLevel.Error);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.Level <= EventLevel.Error && Interlocked.Exchange(ref told, 1) == 0)
            {
                log.LogWarning(
                    "Metrics and traces cannot be sent to {Receiver}; the run goes on, and it is tried again: {Reason}",
                    receiver,
                    eventData.Payload?.Select(one => one?.ToString()?.Split('\n')[0]).LastOrDefault(text => !string.IsNullOrEmpty(text))
                );
            }
        }
    }
}
