using System.Net;
using System.Text;
using Newtonsoft.Json.Linq;

namespace CoIN.UnrulyEndpoint;

/// <summary>
/// Manners: <c>ok</c>, <c>slow</c> (after 150 ms), <c>429</c> (asks for one second's pause), <c>500</c>, <c>503</c>, <c>401</c> (repeats
/// the key), <c>404</c>, <c>400</c>, <c>hang</c> (never answers), <c>drop</c> (closes the connection), <c>cut</c> (closes it within the
/// answer), <c>garbage</c>, <c>html</c>, <c>null</c> (no content), <c>parts</c> (content as a list), <c>error200-404</c> and
/// <c>error200-429</c> (an error object in a reply of status 200), <c>quota</c>, <c>no-max-tokens</c>. <c>GET /seen</c> tells what it was
/// asked.
/// </summary>
internal sealed class Endpoint
{
    private readonly HttpListener listener = new();
    private readonly string[] manners;
    private readonly JArray seen = [];
    private readonly Lock keeping = new();
    private int asked;
    private int underWay;
    private int mostUnderWay;

    public Endpoint(int port, string[] manners)
    {
        this.manners = manners;
        listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        listener.Start();
    }

    public async Task ServeAsync()
    {
        while (true)
        {
            var context = await listener.GetContextAsync();
            _ = Task.Run(() => GuardedAsync(context));
        }
    }

    private async Task GuardedAsync(HttpListenerContext context)
    {
        try
        {
            await AnswerAsync(context);
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The client has gone: it was to.
            Console.Error.WriteLine(e.Message);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        if (context.Request.Url!.AbsolutePath == "/seen")
        {
            JObject all;
            lock (keeping)
            {
                all = new JObject { ["mostUnderWay"] = mostUnderWay, ["requests"] = seen.DeepClone() };
            }

            await SendAsync(context, 200, all.ToString());
            return;
        }

        string manner;
        using (var body = new StreamReader(context.Request.InputStream, Encoding.UTF8))
        {
            var text = await body.ReadToEndAsync();
            lock (keeping)
            {
                manner = manners[Math.Min(asked++, manners.Length - 1)];
                mostUnderWay = Math.Max(mostUnderWay, ++underWay);
                seen.Add(
                    new JObject
                    {
                        ["path"] = context.Request.Url.AbsolutePath,
                        ["authorization"] = context.Request.Headers["Authorization"],
                        ["body"] = JToken.Parse(text),
                        ["ticks"] = Environment.TickCount64,
                    }
                );
            }
        }

        if (manner == "slow")
        {
            await Task.Delay(150);
        }

        // Before the reply: whoever gets it may send the next request at once.
        lock (keeping)
        {
            underWay--;
        }

        await BehaveAsync(context, manner);
    }

    private static async Task BehaveAsync(HttpListenerContext context, string manner)
    {
        switch (manner)
        {
            case "slow":
                await SendAsync(context, 200, Completion("7"));
                break;
            case "429":
                context.Response.Headers["Retry-After"] = "1";
                await SendAsync(context, 429, Error("slow down"));
                break;
            case "401":
                await SendAsync(context, 401, Error($"Incorrect API key provided: {context.Request.Headers["Authorization"]}"));
                break;
            case "hang":
                await Task.Delay(System.Threading.Timeout.Infinite);
                break;
            case "drop":
                // Without a promised length, what comes before the end counts as a whole, empty reply.
                context.Response.ContentLength64 = 1000;
                await context.Response.OutputStream.FlushAsync();
                context.Response.Abort();
                break;
            case "cut":
                context.Response.ContentLength64 = 1000;
                await context.Response.OutputStream.WriteAsync("{\"choices\":"u8.ToArray());
                await context.Response.OutputStream.FlushAsync();
                context.Response.Abort();
                break;
            case "garbage":
                await SendAsync(context, 200, "{\"choices\": [");
                break;
            case "html":
                await SendAsync(context, 200, "<html>It works!</html>");
                break;
            case "null":
                await SendAsync(
                    context,
                    200,
                    """{"choices":[{"index":0,"finish_reason":"length","message":{"role":"assistant","content":null}}]}"""
                );
                break;
            case "error200-404":
                await SendAsync(
                    context,
                    200,
                    """{"error":{"message":"The model `judge` does not exist.","type":"NotFoundError","code":404}}"""
                );
                break;
            case "error200-429":
                await SendAsync(context, 200, """{"error":{"message":"Rate limit reached","code":429}}""");
                break;
            case "quota":
                await SendAsync(
                    context,
                    429,
                    """{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":"insufficient_quota"}}"""
                );
                break;
            case "no-max-tokens":
                await SendAsync(
                    context,
                    400,
                    """{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model.","param":"max_tokens","code":"unsupported_parameter"}}"""
                );
                break;
            case "parts":
                await SendAsync(
                    context,
                    200,
                    """{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":[{"type":"text","text":"7"}]}}]}"""
                );
                break;
            case "ok":
                await SendAsync(context, 200, Completion("7"));
                break;
            default:
                await SendAsync(context, int.Parse(manner, System.Globalization.CultureInfo.InvariantCulture), Error($"this is {manner}"));
                break;
        }
    }

    private static string Completion(string text) =>
        new JObject
        {
            ["id"] = "c",
            ["object"] = "chat.completion",
            ["model"] = "m",
            ["choices"] = new JArray(
                new JObject
                {
                    ["index"] = 0,
                    ["finish_reason"] = "stop",
                    ["message"] = new JObject { ["role"] = "assistant", ["content"] = text },
                }
            ),
        }.ToString();

    private static string Error(string message) => new JObject { ["error"] = new JObject { ["message"] = message } }.ToString();

    private static async Task SendAsync(HttpListenerContext context, int status, string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength64 = bytes.Length;
        await context.Response.OutputStream.WriteAsync(bytes);
        context.Response.Close();
    }
}
