using System.Diagnostics;
using CoIN.Benchmark;
using Newtonsoft.Json;

namespace CoIN.Speed.Sides;

/// <summary>One side of a comparison in a process of its own, so that its memory is its own.</summary>
internal sealed class SideProcess : IDisposable
{
    private readonly Process process;

    private SideProcess(string name, string file, IEnumerable<string> arguments, string folder, int threads)
    {
        Name = name;
        var start = new ProcessStartInfo(file, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };

        // Both sides get the same threads; what tunes OpenBLAS for a processor that is not this one would handicap the side that uses it.
        foreach (var variable in new[] { "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE" })
        {
            start.Environment.Remove(variable);
        }

        foreach (var variable in new[] { "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS" })
        {
            start.Environment[variable] = $"{threads}";
        }

        start.Environment["TOKENIZERS_PARALLELISM"] = "false";
        process = Process.Start(start)!;
        Hello = Reply<SideHello>();
    }

    public string Name { get; }

    public SideHello Hello { get; }

    /// <summary>The product's side.</summary>
    /// <param name="kind">train or generate.</param>
    public static SideProcess Ours(string kind, string folder, int threads) =>
        new("CoIN.Actors", Environment.ProcessPath!, [.. Self(), Side.Command, kind, folder], folder, threads);

    /// <summary>
    /// A peer script. Paths are relative to the folder, so that a python in a container that sees only this folder can run it.
    /// </summary>
    public static SideProcess Peer(string name, string python, string script, string folder, int threads, params string[] arguments)
    {
        var target = Directory.CreateDirectory(Path.Combine(folder, "peer")).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "peer"), "*.py"))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        }

        return new SideProcess(name, Path.GetFullPath(python), [$"peer/{script}", ".", .. arguments], folder, threads);
    }

    public SideRun Run(string how, string task) => Ask<SideRun>($"{how} {task}");

    public SideMemory Memory() => Ask<SideMemory>("memory");

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.StandardInput.WriteLine("quit");
            process.StandardInput.Close();
            if (!process.WaitForExit(TimeSpan.FromSeconds(20)))
            {
                process.Kill(entireProcessTree: true);
            }
        }

        process.Dispose();
    }

    /// <summary>How this very program is started: by its own executable, or by dotnet with the path of its library.</summary>
    public static string[] Self() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? ["exec", typeof(Side).Assembly.Location] : [];

    private T Ask<T>(string request)
    {
        process.StandardInput.WriteLine(request);
        process.StandardInput.Flush();
        return Reply<T>();
    }

    private T Reply<T>()
    {
        while (process.StandardOutput.ReadLine() is { } line)
        {
            // Libraries print what they like; a reply is an object.
            if (line.StartsWith('{'))
            {
                return JsonConvert.DeserializeObject<T>(line)!;
            }
        }

        process.WaitForExit();
        throw new CoinException(
            $"{Name} ended with status {process.ExitCode} before it had answered; what it said is above. A peer's python needs torch and transformers."
        );
    }
}
