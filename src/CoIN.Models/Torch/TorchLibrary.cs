using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using CoIN.Benchmark;

namespace CoIN.Models.Torch;

/// <summary>
/// Makes TorchSharp's native library load on hosts whose libstdc++ is older than the one that it was built with (Debian 12, for one).
/// <para>
/// libLibTorchSharp.so asks for a symbol version of which it uses one symbol only, an initializer that is never called.
/// Where the host lacks the version, the library beside the program is replaced by a copy in which that demand is marked weak, so that the
/// dynamic loader lets it pass. The original may be a hard link into the NuGet cache and is never written to. Other hosts stay untouched.
/// </para>
/// </summary>
internal static class TorchLibrary
{
    public const string FileName = "libLibTorchSharp.so";

    private const string CxxLibrary = "libstdc++.so.6";

    /// <summary>Why the libtorch that the environment names cannot be used; null where it can, or where none is named.</summary>
    public static CoinException? Fault { get; private set; }

    /// <summary>The folder of the libtorch in use that is not the packaged one; null where the packaged one is.</summary>
    public static string? External { get; private set; }

    /// <summary>What that libtorch was found to compute, where it is of another version than TorchSharp was built with.</summary>
    public static LibtorchTrialResult? Trial { get; private set; }

    /// <summary>Runs before any other code of this assembly, hence before TorchSharp first looks for its library.</summary>
#pragma warning disable CA2255 // Whoever uses this library's types needs it, and there is no later moment that is early enough.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void EnsureLoadable()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return;
        }

        HeapPolicy.Apply(Environment.GetEnvironmentVariables().Keys.Cast<string>());
        string[] places = [AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native")];
        if (places.Select(place => Path.Combine(place, FileName)).FirstOrDefault(File.Exists) is not { } library)
        {
            return;
        }

        var usable = HostCxxLibrary() is { } host ? Adapt(library, File.ReadAllBytes(host)) : library;
        if (Environment.GetEnvironmentVariable(ExternalLibtorch.Variable) is { Length: > 0 } folder)
        {
            UseExternal(folder, usable);
        }
        else if (usable != library)
        {
            NativeLibrary.Load(usable);
        }

        if (Path.GetDirectoryName(usable) is { } copies && copies != Path.GetDirectoryName(library))
        {
            // What is loaded needs its files no more.
            Directory.Delete(copies, recursive: true);
        }
    }

    /// <summary>To be called before the first tensor, where a fault can still be told well.</summary>
    /// <exception cref="CoinException">The environment names a libtorch that cannot be used.</exception>
    public static void ThrowIfUnusable()
    {
        if (Fault is not null)
        {
            throw new CoinException(Fault.Message, Fault);
        }
    }

    private static void UseExternal(string folder, string library)
    {
        try
        {
            Trial = ExternalLibtorch.Use(folder, library);
            External = folder;
        }
        catch (CoinException e)
        {
            // Commands without tensors go on; the packaged libtorch must not step in unasked, without the CUDA that was wanted.
            Fault = e;
            NativeLibrary.SetDllImportResolver(typeof(TorchSharp.torch).Assembly, (_, _, _) => throw new CoinException(e.Message, e));
        }
    }

    /// <summary>Weakens what <paramref name="host"/> cannot provide.</summary>
    /// <param name="library">The library's path; replaced by a new file where something had to be weakened.</param>
    /// <param name="host">The bytes of the host's libstdc++.</param>
    /// <returns>
    /// The path to load: <paramref name="library"/>, or a copy in a new temporary folder where its own folder is read-only.
    /// </returns>
    internal static string Adapt(string library, ReadOnlySpan<byte> host)
    {
        var image = File.ReadAllBytes(library);
        var missing = new List<ElfVersionNeeds.Need>();
        foreach (var need in ElfVersionNeeds.Read(image))
        {
            if (need.Library == CxxLibrary && !need.IsWeak && host.IndexOf(Encoding.ASCII.GetBytes(need.Version + "\0")) < 0)
            {
                missing.Add(need);
            }
        }

        if (missing.Count == 0)
        {
            return library;
        }

        missing.ForEach(need => ElfVersionNeeds.MarkWeak(image, need));
        var time = File.GetLastWriteTimeUtc(library);
        try
        {
            return Replace(library, image, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Replace(Path.Combine(Neighbours(Path.GetDirectoryName(library)!), FileName), image, time);
        }
    }

    /// <summary>
    /// A folder of this process's own, in which a library finds by links what lies beside the original: it looks beside itself for
    /// libtorch.
    /// </summary>
    private static string Neighbours(string original)
    {
        var folder = Directory.CreateTempSubdirectory("coin-torch-").FullName;
        foreach (var beside in Directory.EnumerateFiles(original, "*.so*").Where(path => Path.GetFileName(path) != FileName))
        {
            File.CreateSymbolicLink(Path.Combine(folder, Path.GetFileName(beside)), beside);
        }

        return folder;
    }

    /// <summary>
    /// Puts a new file in the place by a rename: other links to the old one keep it, and two processes may do this at once.
    /// </summary>
    private static string Replace(string library, byte[] image, DateTime time)
    {
        var temporary = $"{library}.{Environment.ProcessId}.{Guid.NewGuid():N}";
        File.WriteAllBytes(temporary, image);

        // The same time and size as the original: an incremental build then takes the file for its own copy and leaves it alone.
        File.SetLastWriteTimeUtc(temporary, time);
        File.Move(temporary, library, overwrite: true);
        return library;
    }

    private static string? HostCxxLibrary()
    {
        if (!NativeLibrary.TryLoad(CxxLibrary, out _))
        {
            return null;
        }

        return File.ReadLines("/proc/self/maps")
            .Select(line => line[(line.LastIndexOf(' ') + 1)..])
            .FirstOrDefault(path => Path.GetFileName(path).StartsWith("libstdc++.so", StringComparison.Ordinal));
    }
}
