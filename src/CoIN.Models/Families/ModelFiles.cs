using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;

namespace CoIN.Models.Families;

/// <summary>What all families do with the files of a model.</summary>
internal static class ModelFiles
{
    /// <summary>How a model's language model is to be held in four bits; null where its weights are held as they are.</summary>
    public static Nf4Settings? Nf4Of(ModelOptions model) =>
        model.Quantization == BaseQuantization.Nf4 ? new Nf4Settings(model.QuantizationBlockSize, model.DoubleQuantization) : null;

    /// <summary>Opens every weight file by itself: each may be broken in its own way.</summary>
    /// <param name="paths">Folders and files with weights.</param>
    /// <returns>Whether all can be read.</returns>
    public static bool Readable(IEnumerable<string> paths, Problems problems)
    {
        var before = problems.Count;
        foreach (var file in paths.Distinct().SelectMany(path => problems.Try(() => WeightFiles.Locate(path))?.Paths ?? []))
        {
            problems.Try(() => TensorFiles.Open(file).Dispose());
        }

        return problems.Count == before;
    }

    /// <summary>SHA-256 over every file that was loaded, and the settings beside them.</summary>
    /// <param name="weights">Folders and files with weights.</param>
    /// <param name="roots">What the model consists of: folders and files, each with the name that stands for it.</param>
    /// <param name="further">Names of other files that count.</param>
    public static string Hash(
        IEnumerable<string> weights,
        IReadOnlyList<(string Path, string Name)> roots,
        CancellationToken stop,
        params IReadOnlyCollection<string> further
    )
    {
        var loaded = weights.SelectMany(path => WeightFiles.Locate(path).All).Select(Path.GetFullPath).ToHashSet(StringComparer.Ordinal);
        var lines = roots
            .SelectMany(root =>
                Files(root.Path)
                    .Select(file =>
                        (Name: root.Name + (file == root.Path ? "" : Path.GetRelativePath(root.Path, file).Replace('\\', '/')), File: file)
                    )
            )
            .Where(pair =>
                loaded.Contains(Path.GetFullPath(pair.File))
                || Path.GetExtension(pair.File) is ".json" or ".model" or ".tiktoken"
                || further.Contains(Path.GetFileName(pair.File))
            )
            .OrderBy(pair => pair.Name, StringComparer.Ordinal)
            .Select(pair => $"{Durable.Sha256(pair.File, stop)}  {pair.Name}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }

    private static IEnumerable<string> Files(string root) =>
        File.Exists(root) ? [root] : Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories);
}
