using System.Runtime.InteropServices;
using CoIN.Benchmark;

namespace CoIN.Models.Torch;

/// <summary>
/// A libtorch that is installed on the host, in place of the packaged one: the <c>torch/lib</c> folder of an existing PyTorch, with CUDA
/// where that has it. TorchSharp's own library is the packaged one in any case; what it asks of libtorch is checked symbol by symbol, for
/// C++ has no stable interface between versions.
/// </summary>
internal static class ExternalLibtorch
{
    /// <summary>The environment variable that names the folder.</summary>
    public const string Variable = "COIN_LIBTORCH";

    /// <summary>The libtorch version that the packaged TorchSharp was built with.</summary>
    public const string WantedVersion = "2.10";

    // In the order in which they need each other; those for CUDA are there or not.
    private static readonly string[] Libraries = ["libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"];

    /// <summary>Loads a folder's libraries before TorchSharp looks for any.</summary>
    /// <param name="folder">Value of <see cref="Variable"/>.</param>
    /// <param name="torchSharp">Path of TorchSharp's own library.</param>
    /// <returns>What a libtorch of another version than the wanted one was found to compute; null for one of the wanted.</returns>
    /// <exception cref="CoinException">The folder holds no libtorch, or not one that TorchSharp can work with.</exception>
    public static LibtorchTrialResult? Use(string folder, string torchSharp)
    {
        RefuseBesidePackaged(folder, Path.GetDirectoryName(torchSharp)!);
        _ = Present(folder);
        var version = VersionOf(folder);
        var trial = LibtorchTrial.IsWanted(version) || LibtorchTrial.IsChild ? null : LibtorchTrial.Require(folder, version);
        foreach (var name in Present(folder))
        {
            // TorchSharp asks for them by name: the loader then finds that they are there.
            Load(folder, Path.Combine(folder, name));
        }

        var own = Load(folder, torchSharp);
        CheckSymbols(folder, ElfSymbols.Undefined(File.ReadAllBytes(torchSharp)).Where(IsLibtorchs), symbol =>
            NativeLibrary.TryGetExport(own, symbol, out _)
        );
        return trial;
    }

    /// <summary>TorchSharp would load a packaged libtorch too, and two in one process end it.</summary>
    /// <exception cref="CoinException">There is one.</exception>
    internal static void RefuseBesidePackaged(string folder, string native)
    {
        if (File.Exists(Path.Combine(native, "libtorch_cpu.so")))
        {
            throw new CoinException(
                $"{Variable} is {folder}, but this build has a libtorch of its own ({native}). Build it without one (dotnet build -p:TorchBackend=none; run.sh does so by itself where {Variable} is set), or unset {Variable}."
            );
        }
    }

    /// <summary>
    /// The version of the PyTorch that a <c>torch/lib</c> folder belongs to, e.g. <c>2.10.0+cu128</c>; null where nothing says it.
    /// </summary>
    public static string? VersionOf(string folder)
    {
        var parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        if (parent is null)
        {
            return null;
        }

        var python = Path.Combine(parent, "version.py");
        var build = Path.Combine(parent, "build-version");
        var line =
            File.Exists(python)
                ? File.ReadLines(python).FirstOrDefault(text => text.StartsWith("__version__", StringComparison.Ordinal))?.Split('=')[^1]
            : File.Exists(build) ? File.ReadLines(build).FirstOrDefault()
            : null;
        return line?.Trim().Trim('\'', '"');
    }

    /// <exception cref="CoinException">There is no libtorch in the folder.</exception>
    internal static IReadOnlyList<string> Present(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new CoinException(
                $"{Variable} is {folder}, but there is no such folder. Set it to the lib folder of a PyTorch {WantedVersion} installation (…/site-packages/torch/lib), or unset it."
            );
        }

        var present = Libraries.Where(name => File.Exists(Path.Combine(folder, name))).ToList();
        return present.Contains("libtorch_cpu.so") && present.Contains("libc10.so")
            ? present
            : throw new CoinException(
                $"{Variable} is {folder}, which holds no libc10.so and libtorch_cpu.so. Set it to the lib folder of a PyTorch {WantedVersion} installation (…/site-packages/torch/lib), or unset it."
            );
    }

    /// <exception cref="CoinException">Something that TorchSharp needs is missing.</exception>
    internal static void CheckSymbols(string folder, IEnumerable<string> wanted, Func<string, bool> has)
    {
        var missing = wanted.Where(symbol => !has(symbol)).ToList();
        if (missing.Count > 0)
        {
            throw new CoinException(
                $"The libtorch in {folder} ({VersionOf(folder) ?? "of unknown version"}) lacks {missing.Count} of the functions that TorchSharp calls, {missing[0]} for one: "
                    + $"it is of another version. Install PyTorch {WantedVersion} (pip install torch=={WantedVersion}.*) and set {Variable} to its torch/lib folder."
            );
        }
    }

    // By the mangled names of its namespaces; the C++ runtime's symbols are the host's business.
    private static bool IsLibtorchs(string symbol) =>
        symbol.StartsWith("_Z", StringComparison.Ordinal)
        && (
            symbol.Contains("3c10", StringComparison.Ordinal)
            || symbol.Contains("2at", StringComparison.Ordinal)
            || symbol.Contains("5torch", StringComparison.Ordinal)
        );

    private static nint Load(string folder, string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new CoinException(
                $"{path} cannot be loaded ({Variable} is {folder}): {e.Message.Trim().Split('\n')[0]} Install PyTorch {WantedVersion} for this host and set {Variable} to its torch/lib folder, or unset it.",
                e
            );
        }
    }
}
