using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark;
using Newtonsoft.Json;

namespace CoIN.Models.Torch;

/// <summary>What a libtorch of another version was found to compute, in a process of its own.</summary>
/// <param name="Version">The libtorch's, e.g. <c>2.11.0+cu130</c>.</param>
/// <param name="Computations">How many computations gave the expected numbers.</param>
/// <param name="Devices">Where, e.g. <c>cpu</c> and <c>cuda:0</c>.</param>
public sealed record LibtorchTrialResult(string? Version, int Computations, IReadOnlyList<string> Devices);

/// <summary>
/// C++ has no stable interface between versions: with a libtorch that TorchSharp was not built with, every symbol can be there and the
/// program still crash, or compute something else. So another version is tried first: a child process of the same program loads weights,
/// multiplies, runs autograd and the optimizer, and compares the numbers with known ones. Only what ends well there is loaded here. A trial
/// that went well is remembered until the libtorch, the program or the graphics driver changes.
/// </summary>
internal static class LibtorchTrial
{
    /// <summary>Set in the child: there the libtorch is loaded untried, and tried.</summary>
    public const string Variable = "COIN_LIBTORCH_TRIAL";

    /// <summary>A child writes it before each computation, so that a crash can be told by where it was.</summary>
    public const string StepMark = "trying ";

    /// <summary>A child writes it before its result.</summary>
    public const string ResultMark = "result ";

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>Whether this process is such a child.</summary>
    public static bool IsChild => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 };

    /// <summary>Whether TorchSharp was built with a version.</summary>
    public static bool IsWanted(string? version) =>
        version is not null
        && (
            version == ExternalLibtorch.WantedVersion
            || (
                version.StartsWith(ExternalLibtorch.WantedVersion, StringComparison.Ordinal)
                && !char.IsDigit(version[ExternalLibtorch.WantedVersion.Length])
            )
        );

    /// <summary>Tries a libtorch, unless that was done before.</summary>
    /// <exception cref="CoinException">It crashes or computes other numbers; the message says where and what to do.</exception>
    public static LibtorchTrialResult Require(string folder, string? version)
    {
        var memory = Memory(folder, version);
        if (Remembered(memory) is { } known)
        {
            return known;
        }

        var (status, lines) = Run(folder);
        var result = Judge(folder, version, status, lines);
        Remember(memory, result);
        return result;
    }

    /// <summary>What a child's end means.</summary>
    /// <param name="status">Its exit status; null where it did not end in time.</param>
    /// <param name="lines">What it wrote.</param>
    /// <exception cref="CoinException">The libtorch is not to be used.</exception>
    internal static LibtorchTrialResult Judge(string folder, string? version, int? status, IReadOnlyList<string> lines)
    {
        var result = lines.LastOrDefault(line => line.StartsWith(ResultMark, StringComparison.Ordinal));
        if (status == 0 && result is not null)
        {
            return JsonConvert.DeserializeObject<LibtorchTrialResult>(result[ResultMark.Length..])! with { Version = version };
        }

        var step = lines.LastOrDefault(line => line.StartsWith(StepMark, StringComparison.Ordinal))?[StepMark.Length..] ?? "loading it";
        var happened = status switch
        {
            null => $"did not end within {Longest.TotalMinutes.ToString(CultureInfo.InvariantCulture)} minutes",
            > 128 => $"crashed (signal {status - 128})",
            _ => lines.LastOrDefault(line => line.Length > 0 && !line.StartsWith(StepMark, StringComparison.Ordinal)) is { } said
                ? $"failed: {WithoutRemedy(said)}"
                : $"ended with status {status}",
        };
        throw new CoinException(
            $"The libtorch in {folder} is {version ?? "of unknown version"}; this program is built for {ExternalLibtorch.WantedVersion}. Tried in a "
                + $"process of its own, it {happened} ({step}). Install PyTorch {ExternalLibtorch.WantedVersion} "
                + $"(pip install torch=={ExternalLibtorch.WantedVersion}.*) and set {ExternalLibtorch.Variable} to its torch/lib folder."
        );
    }

    /// <summary>The child's messages end with the same remedy.</summary>
    private static string WithoutRemedy(string said)
    {
        var remedy = said.IndexOf(" Install PyTorch", StringComparison.Ordinal);
        return (remedy < 0 ? said : said[..remedy]).TrimEnd('.', ' ', ':');
    }

    private static (int? Status, IReadOnlyList<string> Lines) Run(string folder)
    {
        // The same host and program. The hook runs before its Main, which is never reached.
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet" && Environment.GetCommandLineArgs() is [var program, ..])
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(program);
        }

        start.Environment[Variable] = "1";
        start.Environment[ExternalLibtorch.Variable] = folder;
        start.Environment["DOTNET_STARTUP_HOOKS"] = typeof(LibtorchTrial).Assembly.Location;
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        var lines = new List<string>();
        using var child = new Process { StartInfo = start };
        void Keep(object sender, DataReceivedEventArgs e)
        {
            if (e.Data is { } line)
            {
                lock (lines)
                {
                    lines.Add(line.Trim());
                }
            }
        }

        child.OutputDataReceived += Keep;
        child.ErrorDataReceived += Keep;
        child.Start();
        child.BeginOutputReadLine();
        child.BeginErrorReadLine();
        if (!child.WaitForExit(Longest))
        {
            child.Kill(entireProcessTree: true);
            return (null, lines);
        }

        // Without a time it also waits for the last lines.
        child.WaitForExit();
        return (child.ExitCode, lines);
    }

    /// <summary>The file in which a trial's result is remembered: named by all that it depends on.</summary>
    internal static string Memory(string folder, string? version)
    {
        var files = Directory
            .EnumerateFiles(folder, "lib*.so")
            .Order(StringComparer.Ordinal)
            .Select(path => new FileInfo(path))
            .Select(file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc.Ticks}");
        const string Driver = "/proc/driver/nvidia/version";
        string[] rest =
        [
            Path.GetFullPath(folder),
            version ?? "",
            typeof(LibtorchTrial).Module.ModuleVersionId.ToString(),
            File.Exists(Driver) ? File.ReadAllText(Driver) : "no driver",
            Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES") ?? "all",
        ];
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', files.Concat(rest)))));
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } named
            ? named
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(cache, "coin", $"libtorch-{key[..32]}.json");
    }

    private static LibtorchTrialResult? Remembered(string memory)
    {
        try
        {
            return File.Exists(memory) ? JsonConvert.DeserializeObject<LibtorchTrialResult>(File.ReadAllText(memory)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static void Remember(string memory, LibtorchTrialResult result)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(memory)!);
            var part = $"{memory}.{Environment.ProcessId}";
            File.WriteAllText(part, JsonConvert.SerializeObject(result));
            File.Move(part, memory, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It is tried again the next time.
        }
    }
}
