using System.Text;
using CoIN.Benchmark;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>
/// Weights in four bits as transformers saves those of bitsandbytes' Linear4bit: beside <c>NAME.weight</c> (uint8, two codes a byte) stand
/// <c>NAME.weight.absmax</c>, <c>.quant_map</c>, with double quantization <c>.nested_absmax</c> and <c>.nested_quant_map</c>, and
/// <c>.quant_state.bitsandbytes__nf4</c>, the bytes of a JSON text with block size, type and shape.
/// </summary>
internal static class PackedTensors
{
    private const string StateEnd = ".quant_state.bitsandbytes__nf4";

    /// <summary>Ends of the names of what stands beside a weight.</summary>
    public static IReadOnlyList<string> Ends { get; } = [".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", StateEnd];

    /// <summary>The tensor that says that a weight is one of these.</summary>
    public static string StateOf(string weight) => weight + StateEnd;

    /// <summary>Whether a tensor stands beside such a weight.</summary>
    /// <param name="packed">Whether a name is that of one.</param>
    public static bool IsBeside(string name, Func<string, bool> packed) =>
        Ends.Any(end => name.EndsWith(end, StringComparison.Ordinal) && packed(name[..^end.Length]));

    /// <summary>Puts a weight together.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="read">Reads a tensor; null where there is none of that name.</param>
    /// <param name="device">Where the result lies.</param>
    /// <exception cref="CoinException">Its parts do not fit together.</exception>
    public static Nf4Weight Read(string path, string weight, Func<string, Tensor?> read, Device device)
    {
        using var scope = NewDisposeScope();
        var state = State(path, weight, Needed(StateEnd));
        var (rows, columns, block) = (state.Rows, state.Columns, state.BlockSize);
        var codes = Needed("").reshape(-1);
        var blocks = ((rows * columns) + block - 1) / block;
        var scales = Needed(".absmax").reshape(-1);
        Require(
            codes.dtype == ScalarType.Byte && codes.numel() == ((rows * columns) + 1) / 2,
            "has another number of bytes than its shape asks for"
        );
        Require(scales.numel() == blocks, "has another number of scales than its blocks");
        Require(Same(Needed(".quant_map"), Nf4.Numbers), "has other numbers than NF4's");
        return new Nf4Weight((rows, columns), Owned(codes), Scales(), block, state.Dtype);

        Nf4Scales Scales()
        {
            if (state.Nested is not { } nested)
            {
                Require(scales.dtype == ScalarType.Float32, "has scales that are no float32");
                return new Nf4Scales(Owned(scales));
            }

            var (larger, numbers) = (Needed(".nested_absmax").reshape(-1), Needed(".nested_quant_map").reshape(-1));
            Require(
                scales.dtype == ScalarType.Byte
                    && larger.dtype == ScalarType.Float32
                    && numbers.dtype == ScalarType.Float32
                    && numbers.numel() == 256
                    && larger.numel() == (blocks + nested.BlockSize - 1) / nested.BlockSize,
                "has scales that are not those of double quantization"
            );
            return new Nf4Scales(Owned(scales), Owned(larger), Owned(numbers), nested.Mean, nested.BlockSize);
        }

        Tensor Needed(string end) => read(weight + end) ?? throw Unfit($"lacks {weight}{end}");

        Tensor Owned(Tensor tensor) => tensor.to(device, copy: true).contiguous().DetachFromDisposeScope();

        void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                throw Unfit(otherwise);
            }
        }

        CoinException Unfit(string what) => Broken(path, weight, what);
    }

    private static bool Same(Tensor found, ReadOnlySpan<float> expected) =>
        found.dtype == ScalarType.Float32
        && found.numel() == expected.Length
        && found.reshape(-1).data<float>().ToArray().AsSpan().SequenceEqual(expected);

    /// <summary>Shape and settings, by the state alone.</summary>
    /// <param name="text">The state's tensor.</param>
    /// <exception cref="CoinException">It cannot be read.</exception>
    public static PackedState State(string path, string weight, Tensor text)
    {
        try
        {
            var json = JObject.Parse(new UTF8Encoding(false, true).GetString(text.reshape(-1).data<byte>().ToArray()));
            var shape = json["shape"]!.Select(size => (int)size).ToList();
            var state = new PackedState(
                shape[0],
                shape[1],
                (int)json["blocksize"]!,
                (string)json["dtype"]! switch
                {
                    "float32" => ScalarType.Float32,
                    "bfloat16" => ScalarType.BFloat16,
                    "float16" => ScalarType.Float16,
                    var other => throw Broken(path, weight, $"was of type {other}"),
                },
                json["nested_blocksize"] is { } nested ? ((int)nested, (float)json["nested_offset"]!) : null
            );
            return
                shape.Count == 2
                && shape.All(size => size > 0)
                && state.BlockSize is >= 2 and <= 65536
                && state.BlockSize % 2 == 0
                && state.Nested?.BlockSize is null or > 0
                && (string?)json["quant_type"] == "nf4"
                ? state
                : throw Broken(path, weight, $"has the state {json.ToString(Formatting.None)}, which is none of a matrix in NF4");
        }
        catch (Exception e)
            when (e
                    is JsonException
                        or ArgumentException
                        or InvalidCastException
                        or FormatException
                        or OverflowException
                        or NullReferenceException
            )
        {
            throw Broken(path, weight, $"has a state that cannot be read: {e.Message}", e);
        }
    }

    private static CoinException Broken(string path, string weight, string what, Exception? inner = null) =>
        new(
            $"{path}: the weight '{weight}', in four bits by bitsandbytes, {what.TrimEnd('.')}. Download the file again, or save it anew "
                + "by transformers.",
            inner
        );
}

/// <summary>What is said of a weight in four bits.</summary>
/// <param name="Dtype">The type that it had before.</param>
/// <param name="Nested">Of double quantization: scales that share a scale, and the scales' mean.</param>
internal sealed record PackedState(int Rows, int Columns, int BlockSize, ScalarType Dtype, (int BlockSize, float Mean)? Nested)
{
    public Nf4Settings Settings => new(BlockSize, Nested is not null);
}
