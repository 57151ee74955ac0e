using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.Versioning;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>The coin command as a process of its own.</summary>
internal sealed class CoinProcess : IDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> lines = new();
    private readonly ConcurrentQueue<string> printed = new();

    private CoinProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, line) =>
        {
            Keep(line.Data);
            if (line.Data is { } data)
            {
                printed.Enqueue(data);
            }
        };
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Everything that it wrote so far.</summary>
    public string Output => string.Join('\n', lines);

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    public int ExitCode => process.ExitCode;

    public static CoinProcess Start(params string[] arguments) => StartWith(new Dictionary<string, string>(), null, arguments);

    /// <summary>Starts the command on a host of a test's network.</summary>
    /// <param name="host">Its network namespace; null for that of the tests.</param>
    /// <param name="program">As in <see cref="StartWith"/>.</param>
    public static CoinProcess StartOn(string? host, string? program, params string[] arguments) =>
        Start(new Dictionary<string, string>(), program, host, arguments);

    /// <summary>Starts the command with variables added to its environment.</summary>
    /// <param name="program">Folder of the program; null for the one beside these tests.</param>
    public static CoinProcess StartWith(IReadOnlyDictionary<string, string> environment, string? program, params string[] arguments) =>
        Start(environment, program, null, arguments);

    private static CoinProcess Start(IReadOnlyDictionary<string, string> environment, string? program, string? host, string[] arguments)
    {
        // Within a namespace "ip" becomes the command: signals reach it.
        string[] way = host is null ? ["dotnet"] : ["ip", "netns", "exec", host, "dotnet"];
        var start = new ProcessStartInfo(way[0], way[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Root,
        };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(Path.Combine(program ?? AppContext.BaseDirectory, "coin.dll"));
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment["OMP_WAIT_POLICY"] = "passive";

        // Processes that live for seconds do not earn back what counting calls and branches costs them.
        start.Environment["DOTNET_TieredPGO"] = "0";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new CoinProcess(new Process { StartInfo = start });
    }

    /// <summary>Whether other users may enter every folder on the way to the program.</summary>
    [UnsupportedOSPlatform("windows")]
    public static bool NobodyReachesIt
    {
        get
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                if (!folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>
    /// Starts the command as a user to whom nothing belongs; the superuser becomes one, for permissions are nothing to it.
    /// </summary>
    public static CoinProcess StartAsNobody(params string[] arguments)
    {
        var superuser = Environment.IsPrivilegedProcess;
        var start = new ProcessStartInfo(superuser ? "setpriv" : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        foreach (
            var argument in (superuser ? ["--reuid=65534", "--regid=65534", "--clear-groups", "dotnet"] : Array.Empty<string>())
                .Concat(["exec", Path.Combine(AppContext.BaseDirectory, "coin.dll")])
                .Concat(arguments)
        )
        {
            start.ArgumentList.Add(argument);
        }

        return new CoinProcess(new Process { StartInfo = start });
    }

    /// <summary>Runs the command to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var coin = Start(arguments);
        await coin.EndAsync(TimeSpan.FromMinutes(3));
        return (coin.ExitCode, coin.Output);
    }

    /// <summary>Runs the command to its end, which must be a good one.</summary>
    /// <returns>What it gave other programs: its standard output, without what it told people beside it.</returns>
    public static async Task<string> PrintedAsync(params string[] arguments)
    {
        using var coin = Start(arguments);
        await coin.EndAsync(TimeSpan.FromMinutes(3));
        Assert.True(coin.ExitCode == 0, coin.Output);
        return string.Join('\n', coin.printed);
    }

    /// <summary>Waits until something holds or the process has ended.</summary>
    public async Task<bool> UntilAsync(Func<bool> condition, TimeSpan longest)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < longest && !process.HasExited)
        {
            if (condition())
            {
                return true;
            }

            await Task.Delay(1);
        }

        return false;
    }

    public async Task EndAsync(TimeSpan longest)
    {
        try
        {
            await process.WaitForExitAsync().WaitAsync(longest);
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw new TimeoutException($"coin did not end within {longest}. It wrote:\n{Output}");
        }
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>SIGTERM.</summary>
    public void Terminate() => Send("TERM");

    /// <summary>SIGINT, as Ctrl-C sends it.</summary>
    public void Interrupt() => Send("INT");

    /// <summary>SIGUSR1, as Slurm warns a job of its time limit.</summary>
    public void Warn() => Send("USR1");

    /// <summary>SIGSTOP: it stands still, as a host that is too busy does.</summary>
    public void Stop() => Send("STOP");

    /// <summary>SIGCONT.</summary>
    public void Continue() => Send("CONT");

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
    }

    /// <summary>Its end may come first.</summary>
    private void Send(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            lines.Enqueue(line);
        }
    }
}
