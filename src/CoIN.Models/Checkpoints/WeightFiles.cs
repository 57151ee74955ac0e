using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Checkpoints;

/// <summary>The weight files of a Hugging Face folder: which there are, and what an index says of them.</summary>
/// <param name="Paths">The files.</param>
/// <param name="Index">The index file; null where one file holds everything.</param>
/// <param name="Placed">By the index: tensor names and the names of the files that hold them.</param>
internal sealed record WeightFiles(IReadOnlyList<string> Paths, string? Index, IReadOnlyDictionary<string, string> Placed)
{
    private const long LargestIndex = 100_000_000;

    /// <summary>In the order of preference: safetensors first, for they need no unpickling and read faster.</summary>
    private static readonly (string Index, string Single)[] Names =
    [
        ("model.safetensors.index.json", "model.safetensors"),
        ("pytorch_model.bin.index.json", "pytorch_model.bin"),
    ];

    /// <summary>Weights and index.</summary>
    public IEnumerable<string> All => Index is null ? Paths : Paths.Prepend(Index);

    /// <summary>Whether a folder holds weights, be they whole or not.</summary>
    public static bool AreIn(string folder) =>
        Names.Any(name => File.Exists(Path.Combine(folder, name.Index)) || File.Exists(Path.Combine(folder, name.Single)));

    /// <summary>Finds the weights of a folder; a file stands for itself.</summary>
    /// <exception cref="CoinException">Nothing is there, or the index is not valid.</exception>
    public static WeightFiles Locate(string path)
    {
        if (File.Exists(path))
        {
            return Alone(path);
        }

        foreach (var (index, single) in Names)
        {
            if (File.Exists(Path.Combine(path, index)))
            {
                return Indexed(path, Path.Combine(path, index));
            }

            if (File.Exists(Path.Combine(path, single)))
            {
                return Alone(Path.Combine(path, single));
            }
        }

        throw new CoinException(
            Directory.Exists(path)
                ? $"{path} holds no weights: none of {string.Join(", ", Names.SelectMany(name => new[] { name.Single, name.Index }))}. Name a Hugging Face folder that was downloaded whole."
                : $"There is no model folder or file {path}. Check the path."
        );
    }

    private static WeightFiles Alone(string path) => new([path], null, new Dictionary<string, string>());

    private static WeightFiles Indexed(string folder, string index)
    {
        var map = Map(index);
        var missing = new List<string>();
        foreach (var name in map.Values.Distinct())
        {
            // A name with folders in it would read files that are no part of the model.
            if (name.Length == 0 || name != Path.GetFileName(name) || name.Contains('\\', StringComparison.Ordinal))
            {
                throw new CoinException($"{index} names the file '{name}', which is no plain file name. Download the index again.");
            }

            if (!File.Exists(Path.Combine(folder, name)))
            {
                missing.Add(name);
            }
        }

        if (missing.Count > 0)
        {
            throw new CoinException(
                missing.Count == 1
                    ? $"{index} names the file {missing[0]}, which is missing in {folder}. Download it too."
                    : $"{index} names {missing.Count} files that are missing in {folder}: {string.Join(", ", missing.Order(StringComparer.Ordinal))}. Download them too."
            );
        }

        return new WeightFiles(
            [.. map.Values.Distinct().Order(StringComparer.Ordinal).Select(name => Path.Combine(folder, name))],
            index,
            map
        );
    }

    private static Dictionary<string, string> Map(string index)
    {
        try
        {
            if (new FileInfo(index).Length > LargestIndex)
            {
                throw new CoinException($"{index} is larger than an index can be. Download it again.");
            }

            var map = JObject.Parse(
                Utf8Text.Read(index),
                new JsonLoadSettings { DuplicatePropertyNameHandling = DuplicatePropertyNameHandling.Error }
            )["weight_map"]!.ToObject<Dictionary<string, string>>()!;
            return map.Count > 0 ? map : throw new JsonException("weight_map is empty");
        }
        catch (Exception e) when (e is JsonException or NullReferenceException or ArgumentException)
        {
            Misdelivered.ThrowIfOne(index, binary: false);
            throw new CoinException($"{index} is not a valid index: it needs an object 'weight_map' of tensor names and file names.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {index}: {ReadFault.Why(index, e)}. Check its permissions.", e);
        }
    }
}
