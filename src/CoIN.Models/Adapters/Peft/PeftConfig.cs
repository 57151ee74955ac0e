using System.Text.RegularExpressions;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Settings;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Adapters.Peft;

/// <summary>What of PEFT's <c>adapter_config.json</c> decides the adapter.</summary>
/// <param name="Alpha">Such that the update is scaled by Alpha / Rank; a rank-stabilized adapter's α is α·√r here.</param>
/// <param name="IsTarget">Whether a module, e.g. <c>model.layers.0.self_attn.q_proj</c> of that layer, is to have an update.</param>
internal sealed record PeftConfig(string Path, int Rank, double Alpha, string? BaseModel, string Targets, Func<string, int, bool> IsTarget)
{
    /// <summary>The <c>peft_type</c> of CoIN's MoELoRA.</summary>
    public const string MoeLora = "MOE_LORA_CoIN";

    private const int LargestRank = 1 << 16;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Ways to begin an adapter that leave the base model as it is: all that they decided is in the matrices.</summary>
    private static readonly string[] PlainBeginnings = ["gaussian", "eva", "orthogonal"];

    /// <summary>Experts of a MoELoRA adapter; null for a plain one.</summary>
    public int? Experts { get; init; }

    /// <summary>What a folder's configuration says that its adapter is; null where it cannot be read.</summary>
    public static string? TypeOf(string folder)
    {
        try
        {
            return (string?)SettingsFile.Json(System.IO.Path.Combine(folder, Benchmark.Learning.AdapterFiles.Config))["peft_type"];
        }
        catch (Exception e) when (e is CoinException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>For those who can do nothing with another adapter than plain LoRA.</summary>
    /// <exception cref="CoinException">It is MoELoRA.</exception>
    public void RequireLora()
    {
        if (Experts is not null)
        {
            throw new CoinException(
                $"{Path} describes a MoELoRA adapter of {Experts} experts, whose weights depend on the input: it is no LoRA, and nothing in a "
                    + "model's weights can stand for it. Use it as an adapter beside the model."
            );
        }
    }

    /// <summary>Reads the file.</summary>
    /// <exception cref="CoinException">
    /// It is missing or broken, or describes an adapter that is no plain LoRA; the message says which keys.
    /// </exception>
    public static PeftConfig Read(string path)
    {
        try
        {
            var json = SettingsFile.Json(path);
            var settings = new JsonSettings(path, json);
            var (rank, alpha) = (settings.Int("r"), settings.Double("lora_alpha"));
            Account(settings);
            if (rank is not (>= 1 and <= LargestRank) || alpha is not { } scale || !double.IsFinite(scale))
            {
                settings.Fault(
                    FormattableString.Invariant(
                        $"r is {(rank is { } given ? given : "missing")} and lora_alpha {(alpha is { } number ? number : "missing")}; a rank is 1 to {LargestRank}, an alpha a number."
                    )
                );
            }

            var experts = settings.Text("peft_type") == MoeLora ? settings.Int("expert_num") : null;
            if (settings.Text("peft_type") == MoeLora && rank is { } all && (experts is not >= 1 || all % experts != 0))
            {
                settings.Fault(
                    $"expert_num is {experts?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "missing"}; "
                        + $"it has to divide r, {all}."
                );
            }

            settings.ThrowIfFaulty();
            var targets = Matcher(path, json["target_modules"])
                ?? throw new CoinException($"{path} names no target_modules. Add those that were trained.");
            var excluded = Matcher(path, json["exclude_modules"]) ?? (_ => false);
            var layers = Layers(json["layers_to_transform"]);
            return new PeftConfig(
                path,
                rank!.Value,
                (bool?)json["use_rslora"] == true ? alpha!.Value * Math.Sqrt(rank.Value) : alpha!.Value,
                (string?)json["base_model_name_or_path"],
                json["target_modules"]!.ToString(Formatting.None),
                (module, layer) => (layers is null || layers.Contains(layer)) && targets(module) && !excluded(module)
            )
            {
                Experts = experts,
            };
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidCastException or FormatException or OverflowException)
        {
            throw new CoinException(
                $"Cannot read the adapter's configuration {path}: {ReadFault.Why(path, e)}. It needs peft_type, r, lora_alpha and target_modules.",
                e
            );
        }
    }

    /// <summary>
    /// Every key that PEFT writes, from version 0.4 to 0.20: those that are read here, those that change nothing, and those that must have
    /// their default.
    /// </summary>
    private static void Account(JsonSettings settings)
    {
        if (settings.Text("peft_type") is var type && type is not ("LORA" or MoeLora))
        {
            settings.Fault($"peft_type is {type ?? "missing"}; only LORA and {MoeLora} adapters can be read.");
            settings.NoFurther();
            return;
        }

        if (type == MoeLora)
        {
            // The size of an embedding that CoIN's code has in its configuration and nowhere else.
            settings.Harmless("expert_num", "task_embedding_dim");
        }

        settings.Harmless("target_modules", "exclude_modules", "layers_to_transform");
        _ = (settings.Text("base_model_name_or_path"), settings.Bool("use_rslora"));

        // Where the base came from, what the model is for, and what only training goes by (dropout here is lora.dropout) or only other
        // kinds of adapters.
        settings.Harmless(
            "revision",
            "task_type",
            "auto_mapping",
            "inference_mode",
            "peft_version",
            "lora_dropout",
            "megatron_core",
            "qalora_group_size",
            "eva_config",
            "runtime_config"
        );
        settings.Off("fan_in_fan_out", "use_dora", "use_qalora", "use_bdlora", "lora_bias", "ensure_weight_tying", "merge_weights");
        settings.TextOf("bias", "none", "none");
        if (
            settings.Token("layers_pattern") is { } pattern
            && pattern is not JContainer { HasValues: false }
            && JsonSettings.Show(pattern) is not ("layers" or "[\"layers\"]" or "")
        )
        {
            settings.Fault($"layers_pattern is {JsonSettings.Show(pattern)}; supported is layers.");
        }

        foreach (
            var key in new[]
            {
                "rank_pattern",
                "alpha_pattern",
                "modules_to_save",
                "layer_replication",
                "target_parameters",
                "trainable_token_indices",
                "enable_lora",
            }
        )
        {
            if (settings.Token(key) is { } token and not JContainer { HasValues: false })
            {
                settings.Fault(
                    $"{key} is set ({JsonSettings.Show(token)}); only adapters with one rank and one alpha for all layers can be read, without other trained modules."
                );
            }
        }

        Beginning(settings);

        // A variant's settings do nothing where they are null or empty.
        settings.Empty(
            "loftq_config",
            "corda_config",
            "lora_ga_config",
            "arrow_config",
            "kasa_config",
            "monteclora_config",
            "velora_config",
            "megatron_config",
            "alora_invocation_tokens"
        );
        settings.NoOtherKeys();
    }

    /// <summary>
    /// PiSSA and its like take what the matrices begin with out of the base model: on that base, as it is, such an adapter is another
    /// model.
    /// </summary>
    private static void Beginning(JsonSettings settings)
    {
        const string Key = "init_lora_weights";
        if (
            settings.Token(Key) is not { } token
            || token.Type == JTokenType.Boolean
            || (token.Type == JTokenType.String && PlainBeginnings.Contains((string)token!))
        )
        {
            return;
        }

        settings.Fault(
            $"{Key} is {JsonSettings.Show(token)}: such an adapter belongs to a base model that was changed for it; readable are true, false, {string.Join(", ", PlainBeginnings)}. "
                + "Convert it with PEFT: save_pretrained(…, path_initial_model_for_weight_conversion=…)."
        );
    }

    /// <summary>
    /// PEFT's rule: a list names modules or their ends; a text is a regular expression for the whole name, or all-linear.
    /// </summary>
    /// <param name="path">Where it stands, for faults.</param>
    /// <returns>Null for null.</returns>
    public static Func<string, bool>? Matcher(string path, JToken? value)
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
                        throw new CoinException(
                            $"{path}: the regular expression '{value}' takes too long. Give the modules' names as a list.",
                            e
                        );
                    }
                };
            default:
                throw new CoinException(
                    $"{path}: target_modules and exclude_modules are a list of names or a regular expression, not {value.ToString(Formatting.None)}."
                );
        }
    }

    private static HashSet<int>? Layers(JToken? value) =>
        value switch
        {
            null or { Type: JTokenType.Null } => null,
            JArray list => [.. list.Select(layer => (int)layer)],
            _ => [(int)value],
        };
}
