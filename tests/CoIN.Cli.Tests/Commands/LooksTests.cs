using System.Net;
using CoIN.Cli.Tests.Support;
using CoIN.Cli.Watching;
using Microsoft.AspNetCore.Http;

namespace CoIN.Cli.Tests.Commands;

/// <summary>Logs, completion, and who may look at the page.</summary>
public sealed class LooksTests : IDisposable
{
    private readonly CommandLine coin = new();

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task Logs_are_shown_by_actor_stage_and_level()
    {
        coin.WriteConfiguration();
        await coin.InvokeAsync("run", "a.hocon", "--run-id", "one");
        var log = Path.Combine(coin.Runs, "one", "log.clef");
        File.WriteAllText(
            log,
            Line("trainer-cpu", 1, null, "begins")
                + Line("evaluator-cpu-1", 1, null, "tests")
                + Line("trainer-cpu", 2, "Debug", "step")
                + Line("trainer-cpu", 2, "Warning", "slow")
        );
        Assert.Equal(["begins", "tests", "slow"], await ShownAsync("logs", "one"));
        Assert.Equal(["begins", "slow"], await ShownAsync("logs", "one", "--actor", "trainer"));
        Assert.Equal(["step", "slow"], await ShownAsync("logs", "one", "--stage", "2", "--level", "debug"));
        var before = coin.Out.Length;
        Assert.Equal(0, await coin.InvokeAsync("logs", "one", "--json", "--level", "warning"));
        Assert.Equal(File.ReadAllLines(log)[^1], coin.Out[before..].Trim());

        static string Line(string actor, int stage, string? level, string text) =>
            $"{{\"@t\":\"2026-11-27T13:52:01Z\",\"@mt\":\"{text}\",{(level is null ? "" : $"\"@l\":\"{level}\",")}\"Stage\":{stage},\"ActorPath\":\"akka://coin/user/{actor}\"}}\n";
    }

    [Fact]
    public async Task A_run_without_a_log_says_so()
    {
        coin.WriteConfiguration();
        await coin.InvokeAsync("run", "a.hocon", "--run-id", "one");
        File.Delete(Path.Combine(coin.Runs, "one", "log.clef"));
        Assert.Equal(1, await coin.InvokeAsync("logs", "one"));
        Assert.Contains("There is no log.clef", coin.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("re", "report rescore resume")]
    [InlineData("status o", "one")]
    [InlineData("resume --r", "--redo --runs")]
    [InlineData("watch t", "two")]
    [InlineData("compare one t", "two")]
    [InlineData("judge dismiss o", "one")]
    [InlineData("judge import o", "one")]
    public async Task A_line_that_is_being_typed_is_completed(string typed, string expected)
    {
        coin.WriteConfiguration();
        await coin.InvokeAsync("run", "a.hocon", "--run-id", "one");
        await coin.InvokeAsync("run", "a.hocon", "--run-id", "two");
        var before = coin.Out.Length;
        Assert.Equal(0, await coin.InvokeAsync(["complete", "--", .. typed.Split(' ')]));
        Assert.Equal(
            expected,
            string.Join(' ', coin.Out[before..].Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        );
    }

    [Fact]
    public async Task Runs_of_an_experiment_have_logs_of_their_own_and_where_one_run_is_wanted_they_are_named()
    {
        coin.WriteConfiguration();
        Assert.True(await coin.InvokeAsync("run", "a.hocon", "--run-id", "e", "--set", "experiment.vary.seed=[1,2]") == 0, coin.Error);
        coin.Folder.Write("runs/e/log.clef", Of("e-seed1", "one") + Of("e-seed2", "two"));
        coin.Folder.Write("runs/e-seed2/log.clef", Of("e-seed2", "two"));
        Assert.Equal(["one", "two"], await ShownAsync("logs", "e"));
        Assert.Equal(["two"], await ShownAsync("logs", "e-seed2"));
        Assert.Equal(["one", "two"], (await ShownAsync("logs", "--json")).Select(line => line.Split('"')[7]));

        foreach (var verb in new[] { "predictions e", "rescore e", "judge run e", "judge dismiss e lexical" })
        {
            Assert.Equal(1, await coin.InvokeAsync(verb.Split(' ')));
            Assert.EndsWith(
                "e is an experiment of 2 runs. Name one of them: e-seed1, e-seed2.",
                coin.Error.TrimEnd(),
                StringComparison.Ordinal
            );
        }

        Assert.Equal(["e", "e-seed1", "e-seed2"], (await ShownAsync("complete", "--", "watch", "e")).Order(StringComparer.Ordinal));

        static string Of(string run, string text) => $"{{\"@t\":\"2026-11-27T13:52:01Z\",\"@mt\":\"{text}\",\"RunId\":\"{run}\"}}\n";
    }

    [Fact]
    public async Task Options_are_completed_too()
    {
        Assert.Equal(0, await coin.InvokeAsync("complete", "--", "logs", "--a"));
        Assert.Equal("--actor", coin.Out.Trim());
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _coin")]
    [InlineData("zsh", "compdef _coin")]
    [InlineData("fish", "complete -c coin")]
    public async Task Every_shell_has_its_script(string shell, string line)
    {
        Assert.Equal(0, await coin.InvokeAsync("completion", shell));
        Assert.Contains(line, coin.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]", true)]
    [InlineData("runs.example", false)]
    [InlineData("localhost.example", false)]
    public async Task On_the_loopback_address_only_loopback_names_are_answered(string host, bool answered) =>
        Assert.Equal(answered, (await AskAsync(WatchAccess.For(IPAddress.Loopback), host, "", null)).Answered);

    [Fact]
    public async Task Elsewhere_the_token_is_asked_for_once_and_kept_in_a_cookie_that_scripts_do_not_see()
    {
        var access = WatchAccess.For(IPAddress.Any);
        Assert.Equal(39, access.Query.Length);
        Assert.Equal((false, 403), Of(await AskAsync(access, "host", "", null)));
        Assert.Equal((false, 403), Of(await AskAsync(access, "host", "?token=" + new string('0', 32), null)));
        var let = await AskAsync(access, "host", access.Query, null);
        Assert.Equal((false, 302), Of(let));
        var cookie = let.Context.Response.Headers.SetCookie.ToString();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.True((await AskAsync(access, "host", "", cookie.Split(';')[0])).Answered);
        Assert.NotEqual(access.Query, WatchAccess.For(IPAddress.Any).Query);
    }

    private static (bool, int) Of((bool Answered, HttpContext Context) one) => (one.Answered, one.Context.Response.StatusCode);

    private static async Task<(bool Answered, HttpContext Context)> AskAsync(WatchAccess access, string host, string query, string? cookie)
    {
        var (context, answered) = (new DefaultHttpContext(), false);
        context.Request.Host = new HostString(host);
        context.Request.QueryString = new QueryString(query);
        context.Request.Headers.Cookie = cookie;
        await access.HandleAsync(context, () =>
        {
            answered = true;
            return Task.CompletedTask;
        });
        return (answered, context);
    }

    private async Task<IEnumerable<string>> ShownAsync(params string[] arguments)
    {
        var before = coin.Out.Length;
        Assert.Equal(0, await coin.InvokeAsync(arguments));
        return coin.Out[before..]
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(' ')[^1]);
    }
}
