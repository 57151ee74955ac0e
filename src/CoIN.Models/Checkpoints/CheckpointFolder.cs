using CoIN.Benchmark;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>
/// The weights of a Hugging Face folder: one <c>model.safetensors</c>, or several with <c>model.safetensors.index.json</c>, or one safetensors file by itself.
/// Keeps account of what was taken, so that nothing is silently missing or left over.
/// </summary>
internal sealed class CheckpointFolder : IDisposable
{
    private const string SingleName = "model.safetensors";
    private const string IndexName = "model.safetensors.index.json";

    private readonly Dictionary<string, SafetensorsFile> files = new(StringComparer.Ordinal);
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);
    private readonly List<string> missing = [];

    private CheckpointFolder(string path) => Path = path;

    public string Path { get; }

    /// <summary>Names of all tensors.</summary>
    public IEnumerable<string> Names => files.Keys;

    /// <summary>Opens a folder or a single safetensors file.</summary>
    /// <exception cref="CoinException">Nothing is there, a shard is missing, or a file is not valid.</exception>
    public static CheckpointFolder Open(string path)
    {
        var folder = new CheckpointFolder(path);
        try
        {
            foreach (var (name, file) in Locate(path))
            {
                folder.files.Add(name, file);
            }

            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a tensor of that name.</summary>
    public bool Has(string name) => files.ContainsKey(name);

    /// <summary>Shape of a tensor, or null where there is none of that name.</summary>
    public IReadOnlyList<long>? ShapeOf(string name) => files.TryGetValue(name, out var file) ? file.Entries[name].Shape : null;

    /// <summary>Reads a tensor of the expected shape; what is missing is remembered for <see cref="Finish"/>.</summary>
    /// <returns>A tensor of <paramref name="dtype"/> on <paramref name="device"/>; zeros where it is missing.</returns>
    /// <exception cref="CoinException">The tensor has another shape.</exception>
    public Tensor Take(string name, ScalarType dtype, Device device, params long[] shape)
    {
        if (!files.TryGetValue(name, out var file))
        {
            missing.Add(name);
            return zeros(shape, dtype, device);
        }

        var found = file.Entries[name].Shape;
        if (!found.SequenceEqual(shape))
        {
            throw new CoinException(
                $"{file.Path}: tensor '{name}' has shape [{string.Join(", ", found)}] where config.json asks for [{string.Join(", ", shape)}]. " +
                "Use the config.json that belongs to these weights.");
        }

        taken.Add(name);
        using var scope = NewDisposeScope();
        return file.Read(name).to(dtype).to(device).MoveToOuterDisposeScope();
    }

    /// <summary>Marks tensors as known but not needed.</summary>
    public void Ignore(Func<string, bool> which) => taken.UnionWith(files.Keys.Where(which));

    /// <summary>Settles the account.</summary>
    /// <returns>Names of tensors that nobody took.</returns>
    /// <exception cref="CoinException">Tensors were asked for that are not there.</exception>
    public IReadOnlyList<string> Finish()
    {
        if (missing.Count > 0)
        {
            throw new CoinException(
                $"{Path}: {missing.Count} tensor(s) of the model are missing: {Shorten(missing)}. " +
                "The checkpoint is incomplete or of another architecture than its config.json says.");
        }

        return [.. files.Keys.Where(name => !taken.Contains(name)).Order(StringComparer.Ordinal)];
    }

    public void Dispose()
    {
        foreach (var file in files.Values.Distinct())
        {
            file.Dispose();
        }
    }

    internal static string Shorten(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(12)) + (names.Count > 12 ? $" and {names.Count - 12} more" : "");

    private static IEnumerable<(string Name, SafetensorsFile File)> Locate(string path)
    {
        if (File.Exists(path))
        {
            return All(new SafetensorsFile(path));
        }

        var index = System.IO.Path.Combine(path, IndexName);
        if (File.Exists(index))
        {
            return Shards(path, index);
        }

        var single = System.IO.Path.Combine(path, SingleName);
        if (File.Exists(single))
        {
            return All(new SafetensorsFile(single));
        }

        throw new CoinException(Directory.Exists(path)
            ? $"{path} holds neither {SingleName} nor {IndexName}. Point model.path at a Hugging Face folder with safetensors weights."
            : $"There is no model folder {path}. Check model.path.");
    }

    private static IEnumerable<(string Name, SafetensorsFile File)> All(SafetensorsFile file) => file.Entries.Keys.Select(name => (name, file));

    private static List<(string Name, SafetensorsFile File)> Shards(string path, string index)
    {
        Dictionary<string, string> map;
        try
        {
            map = JObject.Parse(File.ReadAllText(index))["weight_map"]!.ToObject<Dictionary<string, string>>()!;
        }
        catch (Exception e) when (e is JsonException or NullReferenceException)
        {
            throw new CoinException($"{index} is not a valid index: it needs an object 'weight_map' of tensor names and file names.", e);
        }

        var found = new List<(string Name, SafetensorsFile File)>();
        foreach (var shard in map.GroupBy(pair => pair.Value).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var file = new SafetensorsFile(System.IO.Path.Combine(path, shard.Key));
            foreach (var (name, _) in shard)
            {
                if (!file.Entries.ContainsKey(name))
                {
                    throw new CoinException($"{index} places tensor '{name}' in {shard.Key}, which does not have it. Download both files again.");
                }

                found.Add((name, file));
            }
        }

        return found;
    }
}
