using CoIN.Benchmark;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>
/// The weights of a Hugging Face folder (see <see cref="WeightFiles"/>), or of one file by itself, as safetensors or as PyTorch archives.
/// Keeps account of what was taken, so that nothing is silently missing or left over.
/// </summary>
internal sealed class CheckpointFolder : IDisposable
{
    private readonly Dictionary<string, ITensorFile> files = new(StringComparer.Ordinal);
    private readonly List<ITensorFile> opened = [];
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);
    private readonly HashSet<string> ignored = new(StringComparer.Ordinal);
    private readonly List<string> missing = [];
    private readonly Dictionary<string, string> absent = new(StringComparer.Ordinal);
    private string? index;

    private CheckpointFolder(string path) => Path = path;

    public string Path { get; }

    /// <summary>Names of all tensors.</summary>
    public IEnumerable<string> Names => files.Keys;

    /// <summary>The files that were opened.</summary>
    public IEnumerable<string> Files => files.Values.Select(file => file.Path).Distinct();

    /// <summary>Opens a folder or a single file.</summary>
    /// <exception cref="CoinException">Nothing is there, a shard is missing, or a file is not valid.</exception>
    public static CheckpointFolder Open(string path)
    {
        var folder = new CheckpointFolder(path);
        try
        {
            folder.Add(WeightFiles.Locate(path));
            Quantization.Refuse(path, folder.Names, folder.IsPacked);
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

    /// <summary>Dtype and shape of a tensor that is there.</summary>
    public TensorDescription Describe(string name) => files[name].Describe(name);

    /// <summary>Reads a tensor as it is and marks it as taken.</summary>
    /// <returns>A tensor of the file's dtype on the CPU, detached from dispose scopes.</returns>
    public Tensor Read(string name)
    {
        taken.Add(name);
        return files[name].Read(name);
    }

    /// <summary>Reads a tensor of the expected shape; what is missing is remembered for <see cref="Finish"/>.</summary>
    /// <returns>
    /// A tensor of <paramref name="dtype"/> on <paramref name="device"/>; zeros where it is missing. On the meta device, where tensors have
    /// no values, nothing is read.
    /// </returns>
    /// <exception cref="CoinException">The tensor has another shape.</exception>
    public Tensor Take(string name, ScalarType dtype, Device device, params long[] shape)
    {
        var result = Room(shape, dtype, device);
        TakeInto(name, result);
        return result;
    }

    /// <summary>A tensor for weights that are yet to be read.</summary>
    public static Tensor Room(ReadOnlySpan<long> shape, ScalarType dtype, Device device)
    {
        var room = empty(shape, dtype, device);
        if (device.type == DeviceType.CPU)
        {
            HeapPolicy.AskForLargePages(room);
        }

        return room;
    }

    /// <summary>Whether a weight is held in four bits, see <see cref="PackedTensors"/>.</summary>
    public bool IsPacked(string name) =>
        files.ContainsKey(PackedTensors.StateOf(name))
        && files.TryGetValue(name, out var file)
        && file.Describe(name).Dtype == ScalarType.Byte;

    /// <summary>How weights are held in four bits, by the first that is; null where none is.</summary>
    public Nf4Settings? PackedAs()
    {
        if (files.Keys.FirstOrDefault(IsPacked) is not { } first)
        {
            return null;
        }

        using var text = files[PackedTensors.StateOf(first)].Read(PackedTensors.StateOf(first));
        return PackedTensors.State(files[first].Path, first, text).Settings;
    }

    /// <summary>What is said of a weight that is held in four bits; it counts as taken.</summary>
    /// <exception cref="CoinException">It has another shape, or that cannot be read.</exception>
    public PackedState TakeState(string name, long rows, long columns)
    {
        var file = files[name].Path;
        using var text = files[PackedTensors.StateOf(name)].Read(PackedTensors.StateOf(name));
        var state = PackedTensors.State(file, name, text);
        taken.UnionWith(PackedTensors.Ends.Select(end => name + end).Append(name).Where(files.ContainsKey));
        return (state.Rows, state.Columns) == (rows, columns)
            ? state
            : throw OtherShape(file, name, [state.Rows, state.Columns], [rows, columns]);
    }

    /// <summary>Reads a weight that is held in four bits, as it is.</summary>
    /// <exception cref="CoinException">As for <see cref="TakeState"/>, or its parts do not fit together.</exception>
    public Nf4Weight TakePacked(string name, Device device, long rows, long columns)
    {
        TakeState(name, rows, columns);
        return PackedTensors.Read(
            files[name].Path,
            name,
            part => files.TryGetValue(part, out var holder) ? holder.Read(part) : null,
            device
        );
    }

    /// <summary>As <see cref="Take"/>, into memory that is there: a part of a larger tensor, say.</summary>
    /// <param name="target">Of the expected shape; the dtype and the device that are wanted.</param>
    /// <exception cref="CoinException">The tensor has another shape.</exception>
    public void TakeInto(string name, Tensor target)
    {
        using var noGrad = no_grad();
        if (!files.TryGetValue(name, out var file))
        {
            missing.Add(name);
            target.zero_();
            return;
        }

        if (IsPacked(name) && target.dim() == 2)
        {
            // What is frozen beside the language model (towers, projectors) is held whole, with the very numbers of its four bits.
            if (target.device_type == DeviceType.META)
            {
                TakeState(name, target.size(0), target.size(1));
                return;
            }

            using var packed = TakePacked(name, target.device, target.size(0), target.size(1));
            packed.Into(target);
            return;
        }

        var (dtype, found) = (file.Describe(name).Dtype, file.Describe(name).Shape);
        if (dtype is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16 or ScalarType.Float64))
        {
            throw new CoinException(Quantization.OfDtype(file.Path, name, $"{dtype}".ToLowerInvariant()));
        }

        if (!found.SequenceEqual(target.shape))
        {
            throw OtherShape(file.Path, name, found, target.shape);
        }

        taken.Add(name);
        if (target.device_type != DeviceType.META)
        {
            file.ReadInto(name, target);
        }
    }

    /// <summary>Marks tensors as known but not needed.</summary>
    public void Ignore(Func<string, bool> which) => ignored.UnionWith(files.Keys.Where(which));

    /// <summary>Names of tensors that were marked as not needed.</summary>
    public IEnumerable<string> Ignored => ignored.Except(taken).Order(StringComparer.Ordinal);

    /// <summary>Settles the account.</summary>
    /// <returns>Names of tensors that nobody took.</returns>
    /// <exception cref="CoinException">Tensors were asked for that are not there.</exception>
    public IReadOnlyList<string> Finish()
    {
        if (missing.Count > 0)
        {
            var promised = missing.Where(absent.ContainsKey).Select(name => absent[name]).Distinct().Order(StringComparer.Ordinal).ToList();
            throw new CoinException(
                $"{Path}: {missing.Count} tensor(s) of the model are missing: {NameList.Of(missing)}. "
                    + (
                        promised.Count == 0
                            ? "The checkpoint is incomplete or of another architecture than its config.json says."
                            : $"{index} places them in {string.Join(", ", promised)}, which does not have them. Download these files and the index again."
                    )
            );
        }

        return [.. files.Keys.Where(name => !taken.Contains(name) && !ignored.Contains(name)).Order(StringComparer.Ordinal)];
    }

    /// <summary>
    /// Settles the account of a model, every tensor of which has to be used: one that is passed over would have changed what it computes.
    /// </summary>
    /// <exception cref="CoinException">As for <see cref="Finish"/>, or there are tensors that nobody took.</exception>
    public void FinishUsed()
    {
        if (Finish() is { Count: > 0 } unused)
        {
            throw new CoinException(
                $"{Path}: {unused.Count} tensor(s) have no place in the model that config.json describes, and cannot be left out without changing it: {NameList.Of(unused)}. "
                    + "Use the config.json that belongs to these weights; a model of another architecture cannot be read."
            );
        }
    }

    /// <summary>A sentence about tensors that the index names, no file has and nothing needs; null where there are none.</summary>
    public string? PromisedInVain() =>
        absent.Keys.Except(missing).ToList() is { Count: > 0 } names
            ? $"{index} names {names.Count} tensor(s) that no file has and that the model does not need: {NameList.Of(names.Order(StringComparer.Ordinal))}"
            : null;

    public void Dispose()
    {
        foreach (var file in opened)
        {
            file.Dispose();
        }
    }

    private static CoinException OtherShape(string file, string name, IEnumerable<long> found, IEnumerable<long> wanted) =>
        new(
            $"{file}: tensor '{name}' has shape [{string.Join(", ", found)}] where config.json asks for [{string.Join(", ", wanted)}]. "
                + "Use the config.json that belongs to these weights."
        );

    /// <summary>
    /// Opens the files; what an index places in a shard that lacks it is missing if it is asked for, and what a shard has besides counts as
    /// left over.
    /// </summary>
    private void Add(WeightFiles weights)
    {
        foreach (var path in weights.Paths)
        {
            opened.Add(TensorFiles.Open(path));
        }

        if (weights.Index is null)
        {
            foreach (var name in opened[0].Names)
            {
                files.Add(name, opened[0]);
            }

            return;
        }

        index = weights.Index;
        var shards = opened.ToDictionary(
            file => System.IO.Path.GetFileName(file.Path),
            file => (File: file, Names: file.Names.ToHashSet(StringComparer.Ordinal))
        );
        foreach (var (name, shard) in weights.Placed)
        {
            if (shards[shard].Names.Contains(name))
            {
                files.Add(name, shards[shard].File);
            }
            else
            {
                absent.Add(name, shard);
            }
        }

        foreach (var (file, names) in shards.Values)
        {
            foreach (var name in names)
            {
                _ = files.TryAdd(name, file) && absent.Remove(name);
            }
        }
    }
}
