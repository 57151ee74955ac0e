using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using CoIN.Actors.Hosting;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark;
using CoIN.Cli.Tests.Support;
using CoIN.Cli.Watching;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Cli.Tests.Watching;

/// <summary>What leaves the process for Prometheus and for receivers of OTLP.</summary>
public sealed class TelemetryExportTests
{
    [Fact]
    public async Task Nobody_asked_nothing_is_sent() =>
        Assert.Null(await TelemetryExport.StartAsync(new WatchSettings(), NullLogger.Instance));

    [Fact]
    public async Task Prometheus_is_answered_and_the_receiver_of_otlp_has_the_last_numbers_at_the_end()
    {
        await using var receiver = new OtlpReceiver();
        var (place, text) = (new WorkPlace("exported", 2, "GQA"), "");
        await using (
            var export = await TelemetryExport.StartAsync(
                new WatchSettings { Otlp = receiver.Address, PrometheusPort = 0 },
                NullLogger.Instance
            )
        )
        {
            RunMetrics.Step(place, "cpu", loss: 0.5, learningRate: 1e-3, gradNorm: double.NaN, tokens: 640, seconds: 2);
            RunMetrics.Step(place, "cpu", loss: 0.25, learningRate: 1e-3, gradNorm: 1.5, tokens: 640, seconds: 4);
            RunMetrics.Scored(place, 62.5, 60);
            Assert.StartsWith("http://localhost:", export!.Metrics, StringComparison.Ordinal);
            using var client = new HttpClient();
            text = await client.GetStringAsync(export.Metrics, TestContext.Current.CancellationToken);
        }

        string Value(string metric, string within = "") =>
            Assert
                .Single(text.Split('\n'), line =>
                    line.StartsWith(metric + "{", StringComparison.Ordinal)
                    && line.Contains("run=\"exported\"", StringComparison.Ordinal)
                    && line.Contains(within, StringComparison.Ordinal)
                )
                .Split("} ")[1]
                .Split(' ')[0];
        Assert.Equal("2", Value("coin_training_steps_total", "stage=\"2\""));
        Assert.Equal("1280", Value("coin_training_tokens_total", "task=\"GQA\""));
        Assert.Equal("160", Value("coin_training_tokens_per_second", "device=\"cpu\""));
        Assert.Equal("0.25", Value("coin_training_loss_nat", $"host=\"{Environment.MachineName}\""));
        Assert.Equal("6", Value("coin_training_step_duration_seconds_sum"));
        Assert.Equal("60", Value("coin_cell_accuracy_percent", "scoring=\"corrected\""));

        var sent = Assert.Single(receiver.Requests, request => request.Path == "/v1/metrics");
        Assert.Equal("application/x-protobuf", sent.Type);
        Assert.All(new[] { "coin.training.loss", "exported", "coin.cell.accuracy", "service.name" }, word =>
            Assert.Contains(word, sent.Body, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_receiver_that_is_not_there_is_told_of_once()
    {
        var (port, log) = (OtlpReceiver.FreePort(), new Words());
        await using (await TelemetryExport.StartAsync(new WatchSettings { Otlp = $"http://127.0.0.1:{port}" }, log))
        {
            RunMetrics.Scored(new WorkPlace("unheard", 1, "GQA"), 50, null);
        }

        Assert.StartsWith(
            $"Metrics and traces cannot be sent to http://127.0.0.1:{port}; the run goes on",
            Assert.Single(log.Said),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_with_the_key_to_change()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var fault = await Assert.ThrowsAsync<CoinException>(() =>
            TelemetryExport.StartAsync(new WatchSettings { PrometheusPort = port }, NullLogger.Instance)
        );
        Assert.StartsWith($"Cannot listen on 127.0.0.1, port {port}: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("watch.prometheus-port", fault.Message, StringComparison.Ordinal);
    }

    private sealed class Words : ILogger
    {
        public ConcurrentQueue<string> Said { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter
        ) => Said.Enqueue(formatter(state, exception));
    }
}
