using CoIN.Benchmark;
using CoIN.Benchmark.Pickle;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>One of the flat arrays that an archive's tensors are views of.</summary>
/// <param name="Key">The archive's name for it.</param>
/// <param name="Count">Elements.</param>
internal sealed record TorchStorage(string Key, ScalarType Dtype, long Count)
{
    public int ElementSize => ElementSizes[Dtype];

    public long Bytes => Count * ElementSize;

    private static readonly Dictionary<ScalarType, int> ElementSizes = new()
    {
        [ScalarType.Float64] = 8,
        [ScalarType.Float32] = 4,
        [ScalarType.Float16] = 2,
        [ScalarType.BFloat16] = 2,
        [ScalarType.Int64] = 8,
        [ScalarType.Int32] = 4,
        [ScalarType.Int16] = 2,
        [ScalarType.Int8] = 1,
        [ScalarType.Byte] = 1,
        [ScalarType.Bool] = 1,
    };
}

/// <summary>A tensor of an archive: a view of a storage.</summary>
/// <param name="Offset">First element.</param>
/// <param name="Extent">Elements from the first to the last, both included; 0 for an empty tensor.</param>
internal sealed record TorchView(TorchStorage Storage, long Offset, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides, long Extent);

/// <summary>
/// Reads the pickle of an archive: a dict of tensors as <c>torch.save</c> writes it. Of Python's objects it makes tensors, ordered dicts
/// and sets and nothing else.
/// </summary>
internal sealed class TorchPickle
{
    // Pickles of 70B models have some hundred kilobytes: they hold names and shapes only.
    private const long LargestPickle = 64 << 20;
    private const long LargestMemory = 1L << 30;
    private const int MostDimensions = 16;

    private static readonly Dictionary<string, ScalarType> Storages = new()
    {
        ["torch.DoubleStorage"] = ScalarType.Float64,
        ["torch.FloatStorage"] = ScalarType.Float32,
        ["torch.HalfStorage"] = ScalarType.Float16,
        ["torch.BFloat16Storage"] = ScalarType.BFloat16,
        ["torch.LongStorage"] = ScalarType.Int64,
        ["torch.IntStorage"] = ScalarType.Int32,
        ["torch.ShortStorage"] = ScalarType.Int16,
        ["torch.CharStorage"] = ScalarType.Int8,
        ["torch.ByteStorage"] = ScalarType.Byte,
        ["torch.BoolStorage"] = ScalarType.Bool,
    };

    private readonly string path;
    private readonly Dictionary<string, TorchStorage> storages = new(StringComparer.Ordinal);

    private TorchPickle(string path) => this.path = path;

    /// <summary>Reads the pickle.</summary>
    /// <returns>The tensors by name, and the storages by key.</returns>
    /// <exception cref="CoinException">It is damaged, or holds anything but tensors and plain data.</exception>
    public static (IReadOnlyDictionary<string, TorchView> Tensors, IReadOnlyDictionary<string, TorchStorage> Storages) Read(
        string path,
        Stream stream
    )
    {
        var pickle = new TorchPickle(path);
        var root = Unpickler.Load(
            stream,
            path,
            new UnpicklerOptions
            {
                Globals =
                [
                    new("torch._utils._rebuild_tensor", pickle.Tensor),
                    new("torch._utils._rebuild_tensor_v2", pickle.Tensor),
                    new("torch._utils._rebuild_parameter", arguments => (TorchView)arguments[0]!),
                    new("torch.Size", arguments => arguments.Single()),
                    .. Storages.Keys.Select(name => new PickleGlobal(name)),
                ],
                PersistentLoad = pickle.Storage,
                LargestPickle = LargestPickle,
                LargestMemory = LargestMemory,
            }
        );
        return (pickle.Named(root), pickle.storages);
    }

    /// <summary>What a damaged archive is called.</summary>
    public static CoinException Broken(string path, string what, Exception? inner = null) =>
        new($"{path} is not a valid PyTorch archive: {what}. Download or copy it again and compare its SHA-256 with the source's.", inner);

    /// <summary>The dict of tensors; some programs wrap it in another under <c>model</c> or <c>state_dict</c>.</summary>
    private Dictionary<string, TorchView> Named(object? root)
    {
        if (root is not PickleDictionary dictionary)
        {
            throw Broken(path, "it holds no dict of tensors");
        }

        foreach (var wrapper in new[] { "state_dict", "model" })
        {
            if (dictionary.TryGetValue(wrapper, out var inner) && inner is PickleDictionary wrapped)
            {
                dictionary = wrapped;
                break;
            }
        }

        var tensors = new Dictionary<string, TorchView>(StringComparer.Ordinal);
        foreach (var (key, value) in dictionary)
        {
            if (value is TorchView view)
            {
                tensors.Add(key as string ?? throw Broken(path, $"a tensor's name is {key}, which is no text"), view);
            }
        }

        return tensors.Count > 0 || dictionary.Count == 0 ? tensors : throw Broken(path, "its dict holds no tensor");
    }

    private TorchStorage Storage(object? id)
    {
        if (
            id is not PickleTuple { Count: >= 5 } tuple
            || tuple is not ["storage", PickleGlobal type, string key, string, long count, ..]
            || tuple.Skip(5).Any(value => value is not null)
        )
        {
            throw Broken(path, "it refers to data in a form that torch.save does not write");
        }

        if (!Storages.TryGetValue(type.Name, out var dtype))
        {
            throw Broken(path, $"storage {key} is a {type.Name}");
        }

        if (count is < 0 or > (1L << 44))
        {
            throw Broken(path, $"storage {key} claims {count} elements");
        }

        var storage = new TorchStorage(key, dtype, count);
        return storages.TryAdd(key, storage) || storages[key] == storage
            ? storages[key]
            : throw Broken(path, $"storage {key} is described in two ways");
    }

    private TorchView Tensor(IReadOnlyList<object?> arguments)
    {
        if (arguments is not [TorchStorage storage, long offset, IReadOnlyList<object?> sizes, IReadOnlyList<object?> steps, ..])
        {
            throw Broken(path, "a tensor is described in a form that torch.save does not write");
        }

        long[] shape = [.. sizes.Cast<long>()],
            strides = [.. steps.Cast<long>()];
        if (shape.Length != strides.Length || shape.Length > MostDimensions || offset < 0 || shape.Concat(strides).Any(value => value < 0))
        {
            throw Broken(
                path,
                $"a tensor has shape [{string.Join(", ", shape.Take(20))}], strides [{string.Join(", ", strides.Take(20))}] and offset {offset}"
            );
        }

        var extent = shape.Contains(0)
            ? 0
            : checked(
                1 + shape.Zip(strides, (size, stride) => checked((size - 1) * stride)).Aggregate(0L, (sum, step) => checked(sum + step))
            );
        var elements = shape.Contains(0) ? 0 : shape.Aggregate(1L, (product, size) => checked(product * size));
        if (extent > storage.Count - offset || elements > storage.Count)
        {
            throw Broken(
                path,
                $"a tensor of shape [{string.Join(", ", shape)}] at {offset} reaches beyond the {storage.Count} elements of storage {storage.Key}"
            );
        }

        return new TorchView(storage, offset, shape, strides, extent);
    }
}
