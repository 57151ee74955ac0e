using System.Text.RegularExpressions;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Adapters;

/// <summary>What of PEFT's <c>adapter_config.json</c> decides the adapter.</summary>
/// <param name="Alpha">Such that the update is scaled by Alpha / Rank; a rank-stabilized adapter's α is α·√r here.</param>
/// <param name="IsTarget">Whether a module, e.g. <c>model.layers.0.self_attn.q_proj</c> of that layer, is to have an update.</param>
internal sealed record PeftConfig(string Path, int Rank, double Alpha, string? BaseModel, string Targets, Func<string, int, bool> IsTarget)
{
    private const int LargestRank = 1 << 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Reads the file.</summary>
    /// <exception cref="CoinException">It is missing or broken, or describes an adapter that is no plain LoRA; the message says which key.</exception>
    public static PeftConfig Read(string path)
    {
        try
        {
            var json = JObject.Parse(Utf8Text.Read(path));
            Refuse(path, json);
            var rank = (int)json["r"]!;
            var alpha = (double)json["lora_alpha"]!;
            if (rank is < 1 or > LargestRank || !double.IsFinite(alpha))
            {
                throw new CoinException($"{path}: r is {rank} and lora_alpha {alpha}; a rank is 1 to {LargestRank}.");
            }

            var targets = Matcher(path, json["target_modules"]) ?? throw new CoinException($"{path} names no target_modules. Add those that were trained.");
            var excluded = Matcher(path, json["exclude_modules"]) ?? (_ => false);
            var layers = Layers(json["layers_to_transform"]);
            return new PeftConfig(
                path, rank, (bool?)json["use_rslora"] == true ? alpha * Math.Sqrt(rank) : alpha, (string?)json["base_model_name_or_path"],
                json["target_modules"]!.ToString(Formatting.None),
                (module, layer) => (layers is null || layers.Contains(layer)) && targets(module) && !excluded(module));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ArgumentException or NullReferenceException
            or InvalidCastException or FormatException or OverflowException)
        {
            throw new CoinException($"Cannot read the adapter's configuration {path}: {ReadFault.Why(path, e)}. It needs peft_type, r, lora_alpha and target_modules.", e);
        }
    }

    /// <summary>What would change the numbers and is not done here.</summary>
    private static void Refuse(string path, JObject json)
    {
        if ((string?)json["peft_type"] != "LORA")
        {
            throw new CoinException($"{path}: peft_type is {json["peft_type"]}; only LORA adapters can be read.");
        }

        foreach (var key in new[] { "use_dora", "use_qalora", "use_bdlora", "lora_bias", "fan_in_fan_out" }.Where(key => json[key]?.Type == JTokenType.Boolean && (bool)json[key]!))
        {
            throw new CoinException($"{path}: {key} is true; only plain LoRA (also rank-stabilized) can be read.");
        }

        foreach (var key in new[] { "rank_pattern", "alpha_pattern", "modules_to_save", "layer_replication", "target_parameters", "trainable_token_indices" }
            .Where(key => json[key] is JContainer { HasValues: true }))
        {
            throw new CoinException($"{path}: {key} is set ({json[key]!.ToString(Formatting.None)}); only adapters with one rank and one alpha for all layers can be read, without other trained modules.");
        }

        if (json["bias"] is { Type: not JTokenType.Null } bias && (string?)bias != "none")
        {
            throw new CoinException($"{path}: bias is {bias}; only adapters without trained biases can be read (none).");
        }
    }

    /// <summary>PEFT's rule: a list names modules or their ends; a text is a regular expression for the whole name, or all-linear.</summary>
    private static Func<string, bool>? Matcher(string path, JToken? value)
    {
        switch (value)
        {
            case null or { Type: JTokenType.Null }:
                return null;
            case JArray list:
                var names = list.Select(name => (string)name!).ToList();
                return module => names.Any(name => module == name || module.EndsWith($".{name}", StringComparison.Ordinal));
            case { Type: JTokenType.String } when (string)value! == "all-linear":
                return _ => true;
            case { Type: JTokenType.String }:
                Regex pattern;
                try
                {
                    pattern = new Regex($"^(?:{(string)value!})\\z", RegexOptions.CultureInvariant, Patience);
                }
                catch (ArgumentException e)
                {
                    throw new CoinException($"{path}: '{value}' is not a regular expression: {e.Message}", e);
                }

                return module =>
                {
                    try
                    {
                        return pattern.IsMatch(module);
                    }
                    catch (RegexMatchTimeoutException e)
                    {
                        throw new CoinException($"{path}: the regular expression '{value}' takes too long. Give the modules' names as a list.", e);
                    }
                };
            default:
                throw new CoinException($"{path}: target_modules and exclude_modules are a list of names or a regular expression, not {value.ToString(Formatting.None)}.");
        }
    }

    private static HashSet<int>? Layers(JToken? value) => value switch
    {
        null or { Type: JTokenType.Null } => null,
        JArray list => [.. list.Select(layer => (int)layer)],
        _ => [(int)value],
    };
}
