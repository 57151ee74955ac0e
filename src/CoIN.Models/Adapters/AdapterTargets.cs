using System.Collections.Concurrent;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Adapters;

/// <summary>Which linear maps of the language model <c>lora.targets</c> means, by PEFT's rules for <c>target_modules</c>.</summary>
internal sealed class AdapterTargets
{
    private const string Key = "coin.lora.targets";

    private readonly Func<int, string, bool> matches;
    private readonly ConcurrentDictionary<(int Layer, string Part), bool> known = [];

    private AdapterTargets(Func<int, string, bool> matches, string text, IReadOnlyList<string>? names) =>
        (this.matches, Text, Names) = (matches, text, names);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    private IReadOnlyList<string>? Names { get; }

    /// <summary>What the options say; null where they say nothing.</summary>
    /// <exception cref="CoinException">A pattern is no regular expression.</exception>
    /// <param name="model">What the model's maps are called; null for LLaMA's names.</param>
    public static AdapterTargets? Of(LoraOptions options, DecoderNames? model = null)
    {
        if (options.Targets is null && options.TargetPattern is null)
        {
            return null;
        }

        JToken value = options.TargetPattern is { } pattern ? new JValue(pattern) : new JArray((options.Targets ?? []).ToArray<object>());
        var matches = PeftConfig.Matcher(Key, value)!;
        var prefix = (model ?? DecoderNames.Llama).Modules;
        return new AdapterTargets(
            (layer, part) => matches($"{prefix}{layer}.{part}"),
            options.TargetPattern ?? $"[{string.Join(", ", options.Targets ?? [])}]",
            options.Targets
        );
    }

    /// <summary>
    /// What an experiment adapts, as far as it can be known without a model: what the options say, else what the given adapter has.
    /// </summary>
    /// <param name="from">The adapter with which training begins; null for none.</param>
    /// <param name="model">As for <see cref="Of"/>.</param>
    public static AdapterTargets? Planned(LoraOptions options, string? from, DecoderNames? model = null)
    {
        if (from is null || Of(options, model) is not null)
        {
            return Of(options, model);
        }

        var prefix = (model ?? DecoderNames.Llama).Modules;
        var layers = prefix[prefix.IndexOf('.', StringComparison.Ordinal)..];

        using var files = PeftWeights.Open(from, options.Alpha);
        var (config, names) = (files.Config, files.Weights.Names.ToList());
        return new AdapterTargets(
            (layer, part) =>
                config.IsTarget($"{prefix}{layer}.{part}", layer)
                || names.Exists(name => name.Contains($"{layers}{layer}.{part}.lora_", StringComparison.Ordinal)),
            config.Targets,
            null
        );
    }

    /// <summary>Whether a map is meant.</summary>
    /// <param name="layer">From 0.</param>
    /// <param name="part">E.g. <c>self_attn.q_proj</c>.</param>
    public bool Has(int layer, string part) => known.GetOrAdd((layer, part), map => matches(map.Layer, map.Part));

    /// <summary>The parts of a map that are meant, by number.</summary>
    public IReadOnlyList<int> In(int layer, Linear linear) =>
        [.. Enumerable.Range(0, linear.Parts.Count).Where(part => Has(layer, linear.Parts[part].Name))];

    /// <summary>Makes sure that the options mean something of a model, every name of a list by itself.</summary>
    /// <exception cref="CoinException">They do not; the message names what there is.</exception>
    public static void Check(LoraOptions options, DecoderModel language)
    {
        if (Of(options, language.Names) is not { } targets)
        {
            return;
        }

        var maps = language
            .Layers.SelectMany((layer, i) => layer.Linears.SelectMany(linear => linear.Parts.Select(part => (Layer: i, part.Name))))
            .ToList();
        var idle = targets
            .Names?.Where(name =>
                Of(options with { Targets = [name] }, language.Names) is { } one && !maps.Exists(map => one.Has(map.Layer, map.Name))
            )
            .ToList();
        if (idle is { Count: > 0 } || !maps.Exists(map => targets.Has(map.Layer, map.Name)))
        {
            var what = idle is { Count: > 0 } ? $"names {string.Join(", ", idle)}" : $"is {targets.Text}";
            var hint =
                targets.Names is null
                && maps.Exists(map =>
                    $"{language.Names.Modules}{map.Layer}.{map.Name}".EndsWith($".{targets.Text}", StringComparison.Ordinal)
                )
                    ? $" A text is a regular expression for whole names; write [{targets.Text}] for names that end so."
                    : "";
            throw new CoinException(
                $"{Key} {what}, which is no linear map of the language model. It has "
                    + $"{NameList.Of(maps.Select(map => map.Name).Distinct())} in {Plural.Of(language.Layers.Count, "layer")}, called {language.Names.Modules}0.{maps[0].Name} and so on.{hint}"
            );
        }
    }

    /// <summary>Makes sure that a given adapter has matrices for what the options mean, and for nothing else.</summary>
    /// <param name="adapted">By layer and name.</param>
    /// <exception cref="CoinException">It has not.</exception>
    public static void CheckAdapter(string folder, LoraOptions options, DecoderModel language, Func<int, string, bool> adapted)
    {
        if (Of(options, language.Names) is not { } targets)
        {
            return;
        }

        Check(options, language);
        var unlike = language
            .Layers.SelectMany(
                (layer, i) =>
                    layer
                        .Linears.SelectMany(linear => linear.Parts)
                        .Where(part => targets.Has(i, part.Name) != adapted(i, part.Name))
                        .Select(part => (Name: $"{language.Names.Modules}{i}.{part.Name}", Wanted: targets.Has(i, part.Name)))
            )
            .ToList();
        if (unlike.Count > 0)
        {
            throw new CoinException(
                $"The adapter {folder} {(unlike[0].Wanted ? "has no matrices for" : "also adapts")} {NameList.Of(unlike.Where(one => one.Wanted == unlike[0].Wanted).Select(one => one.Name))}, "
                    + $"but {Key} is {targets.Text}. Set lora.targets to what the adapter has, or to null."
            );
        }
    }

    /// <summary>
    /// What <c>target_modules</c> says of an adapter: ends of names where these tell its maps from the others, else whole names.
    /// </summary>
    /// <param name="prefix">What stands before a layer's number.</param>
    /// <param name="layers">For each layer every map's name, and whether it is adapted.</param>
    public static IReadOnlyList<string> Described(IReadOnlyList<IReadOnlyList<(string Name, bool Adapted)>> layers, string prefix)
    {
        var all = layers.SelectMany(layer => layer).ToList();
        foreach (var shortened in new Func<string, string>[] { name => name[(name.LastIndexOf('.') + 1)..], name => name })
        {
            var chosen = all.Where(map => map.Adapted).Select(map => shortened(map.Name)).ToHashSet(StringComparer.Ordinal);
            if (all.TrueForAll(map => map.Adapted == chosen.Contains(shortened(map.Name))))
            {
                return [.. chosen.Order(StringComparer.Ordinal)];
            }
        }

        return [.. layers.SelectMany((layer, i) => layer.Where(map => map.Adapted).Select(map => $"{prefix}{i}.{map.Name}"))];
    }
}
