using CoIN.Benchmark;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Checkpoints;

/// <summary>Recognizes quantized checkpoints, whose tensors are no weights by themselves.</summary>
internal static class Quantization
{
    private const string Remedy =
        "Only weights as they are (float32, bfloat16, float16) can be read: download the model that it was made from.";

    /// <summary>Ends of tensor names, and who writes them.</summary>
    private static readonly (string End, string Method)[] Marks =
    [
        (".qweight", "AWQ or GPTQ"),
        (".qzeros", "AWQ or GPTQ"),
        (".g_idx", "GPTQ"),
        (".weight_scale", "FP8 or compressed-tensors"),
        (".weight_scale_inv", "FP8"),
        (".input_scale", "FP8"),
        (".weight_packed", "compressed-tensors"),
        (".weight_zero_point", "compressed-tensors"),
        (".absmax", "bitsandbytes"),
        (".quant_map", "bitsandbytes"),
        (".SCB", "bitsandbytes"),
        (".bitsandbytes__nf4", "bitsandbytes"),
        (".bitsandbytes__fp4", "bitsandbytes"),
    ];

    /// <summary>What a configuration says of it, as a sentence; null for nothing, and for NF4 by bitsandbytes, which can be read.</summary>
    public static string? Of(JObject config)
    {
        foreach (var key in new[] { "quantization_config", "compression_config" })
        {
            if (config[key] is JObject settings && !IsNf4(settings))
            {
                var bits = new[] { "bits", "w_bit", "num_bits" }
                    .Select(name => settings[name])
                    .FirstOrDefault(value => value is JValue { Type: JTokenType.Integer });
                var four =
                    settings["load_in_4bit"] is JValue { Value: true } ? ", 4 bits"
                    : settings["load_in_8bit"] is JValue { Value: true } ? ", 8 bits"
                    : "";
                return $"{key}: the checkpoint is quantized ({settings["quant_method"] ?? settings["quantization_type"] ?? "a method it does not name"}"
                    + $"{(bits is null ? four : $", {bits} bits")}). {Remedy}";
            }
        }

        return null;
    }

    /// <summary>Refuses a file by the names of its tensors.</summary>
    /// <param name="packed">Whether a weight is one of <see cref="PackedTensors"/>: these can be read.</param>
    /// <exception cref="CoinException">They are those of a quantized checkpoint.</exception>
    public static void Refuse(string path, IEnumerable<string> names, Func<string, bool> packed)
    {
        foreach (var name in names.Where(name => !PackedTensors.IsBeside(name, packed)))
        {
            if (Marks.FirstOrDefault(mark => name.EndsWith(mark.End, StringComparison.Ordinal)) is { End: not null } mark)
            {
                throw new CoinException($"{path} is quantized ({mark.Method}, by its tensor '{name}'). {Remedy}");
            }
        }
    }

    /// <summary>What is wrong with a weight in four bits where only whole ones will do, as a sentence.</summary>
    public static string InFourBits(string path, string tensor) =>
        $"{path} holds '{tensor}' in four bits (NF4, bitsandbytes). A run reads it so with model.quantization = \"nf4\"; everything else "
        + "needs the model that it was made from.";

    /// <summary>What is wrong with a tensor of numbers that no weight has, as a sentence.</summary>
    public static string OfDtype(string path, string tensor, string dtype) =>
        $"{path}: tensor '{tensor}' is stored as {dtype}, so the checkpoint is quantized. {Remedy}";

    private static bool IsNf4(JObject settings) =>
        settings["load_in_4bit"] is JValue { Value: true }
        && settings["bnb_4bit_quant_type"] is JValue { Value: "nf4" }
        && settings["quant_method"] is null or JValue { Value: "bitsandbytes" }
        && settings["bnb_4bit_quant_storage"] is null or JValue { Value: "uint8" };
}
