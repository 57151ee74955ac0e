using System.Net;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Reports;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json;

namespace CoIN.Cli.Watching;

/// <summary>
/// Serves the page that follows runs: HTML, style and script from the program itself, and what happens by server-sent events.
/// </summary>
internal sealed class WatchServer : IAsyncDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    private static readonly Dictionary<string, string> Pictures = new(StringComparer.OrdinalIgnoreCase)
    {
        [".jpg"] = "image/jpeg",
        [".jpeg"] = "image/jpeg",
        [".png"] = "image/png",
        [".gif"] = "image/gif",
        [".webp"] = "image/webp",
        [".bmp"] = "image/bmp",
    };

    private readonly WebApplication app;
    private readonly Func<IReadOnlyList<WatchedRun>> runs;
    private readonly WatchAccess access;
    private readonly CancellationTokenSource ending = new();
    private int listeners;

    private WatchServer(WebApplication app, Func<IReadOnlyList<WatchedRun>> runs, WatchAccess access)
    {
        (this.app, this.runs, this.access) = (app, runs, access);
        app.Use((context, next) => access.HandleAsync(context, () => next(context)));
        app.Run(AnswerAsync);
    }

    /// <summary>The page's address.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Begins to serve.</summary>
    /// <param name="runs">What is watched; asked again and again, for runs that begin later.</param>
    /// <param name="port">0 for any that is free.</param>
    /// <exception cref="CoinException">The address cannot be listened on.</exception>
    public static async Task<WatchServer> StartAsync(Func<IReadOnlyList<WatchedRun>> runs, IPAddress address, int port)
    {
        var server = new WatchServer(QuietWeb.Build(address, port), runs, WatchAccess.For(address));
        server.Address = await QuietWeb.StartAsync(server.app, address, port, "--port").ConfigureAwait(false) + server.access.Query;
        return server;
    }

    /// <summary>Looks again and again what has changed, as long as anybody wants to know.</summary>
    public async Task FollowAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (Volatile.Read(ref listeners) > 0)
            {
                foreach (var run in runs())
                {
                    run.Refresh();
                }
            }

            await Task.Delay(LookEvery, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
        ending.Dispose();
    }

    private Task AnswerAsync(HttpContext context) =>
        !HttpMethods.IsGet(context.Request.Method)
            ? Nothing(context)
            : context.Request.Path.Value switch
            {
                "/" => FileAsync(context, typeof(WatchServer), "CoIN.Cli.watch.html", "text/html; charset=utf-8"),
                "/watch.css" => FileAsync(context, typeof(WatchServer), "CoIN.Cli.watch.css", "text/css; charset=utf-8"),
                "/watch.js" => FileAsync(context, typeof(WatchServer), "CoIN.Cli.watch.js", "text/javascript; charset=utf-8"),
                "/report.css" => FileAsync(context, typeof(RunReport), "CoIN.Benchmark.report.css", "text/css; charset=utf-8"),
                "/events" => EventsAsync(context),
                "/samples" => SamplesAsync(context),
                "/image" => ImageAsync(context),
                _ => Nothing(context),
            };

    private static Task Nothing(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static async Task FileAsync(HttpContext context, Type owner, string name, string type)
    {
        context.Response.ContentType = type;
        await using var stream = owner.Assembly.GetManifestResourceStream(name)!;
        await stream.CopyToAsync(context.Response.Body).ConfigureAwait(false);
    }

    private async Task EventsAsync(HttpContext context)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, ending.Token);
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        Interlocked.Increment(ref listeners);
        try
        {
            var sent = new Dictionary<string, long>(StringComparer.Ordinal);
            var quiet = DateTime.UtcNow;
            await SendAsync(context, $"event: begin\ndata: {JsonConvert.SerializeObject(runs().Select(run => run.Name))}\n\n", gone.Token)
                .ConfigureAwait(false);
            foreach (var run in runs())
            {
                run.Refresh();
            }

            while (!gone.IsCancellationRequested)
            {
                var text = new StringBuilder();
                foreach (var run in runs())
                {
                    var (messages, version) = run.Since(sent.GetValueOrDefault(run.Name));
                    sent[run.Name] = version;
                    messages.ToList().ForEach(message => text.Append("data: ").Append(message).Append("\n\n"));
                }

                // A line now and then, so that a connection that is dead is found to be.
                if (text.Length == 0 && DateTime.UtcNow - quiet > Silence)
                {
                    text.Append(": still here\n\n");
                }

                if (text.Length > 0)
                {
                    quiet = DateTime.UtcNow;
                    await SendAsync(context, text.ToString(), gone.Token).ConfigureAwait(false);
                }

                await Task.Delay(LookEvery / 2, gone.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // Whoever looked on went away.
            return;
        }
        finally
        {
            Interlocked.Decrement(ref listeners);
        }
    }

    private static async Task SendAsync(HttpContext context, string text, CancellationToken stop)
    {
        await context.Response.WriteAsync(text, stop).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(stop).ConfigureAwait(false);
    }

    private async Task SamplesAsync(HttpContext context)
    {
        var query = context.Request.Query;
        if (Run(query["run"]) is not { } run || !int.TryParse(query["stage"], out var stage))
        {
            await Nothing(context).ConfigureAwait(false);
            return;
        }

        try
        {
            var samples = run.Samples(stage, query["task"].ToString(), query["wrong"] == "true");
            context.Response.ContentType = "application/json; charset=utf-8";
            await context.Response.WriteAsync(samples.ToString(Formatting.None)).ConfigureAwait(false);
        }
        catch (CoinException fault)
        {
            context.Response.StatusCode = StatusCodes.Status409Conflict;
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync(fault.Message).ConfigureAwait(false);
        }
    }

    private async Task ImageAsync(HttpContext context)
    {
        var query = context.Request.Query;
        try
        {
            if (
                Run(query["run"])?.ImageOf(query["task"].ToString(), query["id"].ToString()) is { } path
                && Pictures.TryGetValue(Path.GetExtension(path), out var type)
            )
            {
                context.Response.ContentType = type;
                context.Response.Headers.CacheControl = "private, max-age=600";
                await context.Response.SendFileAsync(path).ConfigureAwait(false);
                return;
            }
        }
        catch (CoinException)
        {
            // The samples say what is wrong.
        }

        await Nothing(context).ConfigureAwait(false);
    }

    private WatchedRun? Run(string? name) => runs().FirstOrDefault(run => run.Name == name);
}
