using System.Security.Cryptography;
using Newtonsoft.Json.Linq;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>
/// A folder with a small drawn data set and runs of the shipped miniature model on it: three tasks, a few steps, a checkpoint every few of
/// them.
/// </summary>
public sealed class Laboratory : IAsyncLifetime
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(4);

    // Drawn once for all tests; each has a copy, with which it may do what it likes.
    private static readonly Lazy<Task<string>> Drawn = new(DrawAsync);

    public string Folder { get; } = Directory.CreateTempSubdirectory("coin-e2e-").FullName;

    internal string Data => Path.Combine(Folder, "data");

    internal string Runs => Path.Combine(Folder, "runs");

    public async ValueTask InitializeAsync() => Copy(await Drawn.Value, Data);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static async Task<string> DrawAsync()
    {
        var folder = Directory.CreateTempSubdirectory("coin-e2e-data-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var (code, output) = await CoinProcess.RunAsync(
            "mini",
            "generate",
            "--out",
            folder,
            "--train-samples",
            "64",
            "--test-samples",
            "20"
        );
        Assert.True(code == 0, output);
        return folder;
    }

    internal static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        }

        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
        }
    }

    /// <summary>The command line of a run.</summary>
    internal string[] Run(string id, params string[] settings) =>
        [
            "run",
            Path.Combine(Repository.Root, "hocon", "mini.hocon"),
            "--runs",
            Runs,
            "--run-id",
            id,
            .. new[]
            {
                $"data.instructions={Data}/Instructions_Original",
                $"data.images={Data}/images",
                "order=[ImageNet,GQA,OCR-VQA]",
                "training.batch-size=8",
                "training.max-steps=12",
                "training.checkpoint-every=3",
                "evaluation.batch-size=5",
                "evaluation.shard-size=10",
                "lora.dropout=0.1",
            }
                .Concat(settings)
                .SelectMany(setting => new[] { "--set", setting }),
        ];

    internal string[] Resume(string id) => ["resume", id, "--runs", Runs];

    /// <summary>Kills a process as soon as it has written a folder of a run.</summary>
    /// <param name="stage">Pattern of the stage's folder.</param>
    internal async Task KillAsync(string run, string[] command, string folder, string stage)
    {
        using var coin = CoinProcess.Start(command);
        var path = PathOf(run, "stages");
        Assert.True(await coin.UntilAsync(Seen, Longest), coin.Output);
        await coin.KillAsync();

        bool Seen()
        {
            try
            {
                return Directory.Exists(path)
                    && Directory
                        .EnumerateDirectories(path, stage)
                        .Any(one => Directory.EnumerateDirectories(one, folder, SearchOption.AllDirectories).Any());
            }
            catch (IOException)
            {
                // Deleting and listing at once may fail; then nothing was seen.
                return false;
            }
        }
    }

    internal string PathOf(string run, params string[] parts) => Path.Combine([Runs, run, .. parts]);

    internal JObject Report(string run) => JObject.Parse(File.ReadAllText(PathOf(run, "report.json")));

    /// <summary>Fails with the lines that differ where two essences are not the same.</summary>
    internal static void AssertSame(IReadOnlyList<string> expected, IReadOnlyList<string> actual)
    {
        var differences = expected
            .Except(actual)
            .Select(line => $"- {line}")
            .Concat(actual.Except(expected).Select(line => $"+ {line}"))
            .ToList();
        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.Equal(expected, actual);
    }

    /// <summary>
    /// Everything of a run that a resume must not change, in lines: report without provenance and id, adapters and predictions by hash.
    /// </summary>
    internal IReadOnlyList<string> Essence(string run)
    {
        var report = Report(run);
        report.Remove("provenance");
        report.Remove("run");
        var files = Directory
            .GetFiles(PathOf(run), "*", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(PathOf(run), file))
            .Where(file =>
                file == "matrix.csv"
                || new[] { "stages", "predictions", "scores", "routing" }.Any(part => file.StartsWith(part, StringComparison.Ordinal))
            )
            .Order(StringComparer.Ordinal)
            .Select(file => $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(PathOf(run, file))))}  {file}");
        return [.. report.ToString().Split('\n'), .. files];
    }
}
