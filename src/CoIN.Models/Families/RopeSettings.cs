using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Settings;

namespace CoIN.Models.Families;

/// <summary>
/// Reads the rotary embedding of a <c>config.json</c>: <c>rope_parameters</c> as transformers 5 writes it, or <c>rope_theta</c> and
/// <c>rope_scaling</c> as before. Every parameter is used as transformers uses it, or refused by name.
/// </summary>
internal static class RopeSettings
{
    private const double UsualTheta = 10000;

    /// <summary>The keys in which a configuration describes it.</summary>
    public static IReadOnlyList<string> Keys { get; } = ["rope_parameters", "rope_scaling", "rope_theta"];

    /// <summary>The base and how frequencies are scaled; null for the plain rope.</summary>
    /// <param name="positions">Positions that the model was made for (<c>max_position_embeddings</c>).</param>
    /// <param name="sections">
    /// Receives how many frequencies turn with time, height and width; null for a model whose positions are one number.
    /// </param>
    public static (double Theta, RopeScaling? Scaling) Read(
        JsonSettings settings,
        int positions,
        Action<IReadOnlyList<int>>? sections = null
    )
    {
        var older = settings.Double("rope_theta");
        var (newer, former) = (settings.Child("rope_parameters"), settings.Child("rope_scaling"));
        if (newer is not null && former is not null && !newer.SameAs(former))
        {
            settings.Fault(
                "rope_parameters and rope_scaling are both there and say different things. "
                    + "Leave the one out that does not belong to the weights."
            );
        }

        var rope = newer ?? former;
        var theta = rope?.Double("rope_theta") ?? older ?? UsualTheta;
        settings.Require(theta > 0 && double.IsFinite(theta), "rope_theta", FormattableString.Invariant($"{theta}"), "greater than 0");
        if (sections is not null)
        {
            sections(Sections(settings, rope));
        }

        var scaling = rope is null ? null : Scaling(rope, positions, sections is not null);
        rope?.NoOtherKeys();
        return (theta, scaling);
    }

    /// <summary>The scaling for people, behind a comma; nothing for the plain rope.</summary>
    public static string Say(DecoderConfig text) =>
        text.RopeScaling switch
        {
            null => "",
            LinearScaling linear => TensorTable.Say($", rope linear by {linear.By}"),
            DynamicScaling dynamic => TensorTable.Say($", rope dynamic by {dynamic.By}"),
            Llama3Scaling llama3 => TensorTable.Say($", rope llama3 by {llama3.By}"),
            YarnScaling yarn => TensorTable.Say($", rope yarn by {yarn.By}"),
            var other => $", rope {other.GetType().Name}",
        };

    private static IReadOnlyList<int> Sections(JsonSettings settings, JsonSettings? rope)
    {
        const string Key = "mrope_section";
        if (rope?.Numbers(Key) is not { Count: 3 } numbers || numbers.Any(number => number < 1 || number != Math.Floor(number)))
        {
            (rope ?? settings).Require(
                false,
                Key,
                rope?.Token(Key) is { } given ? JsonSettings.Show(given) : "missing",
                "three whole numbers, for time, height and width"
            );
            return [];
        }

        return [.. numbers.Select(number => (int)number)];
    }

    private static RopeScaling? Scaling(JsonSettings rope, int positions, bool multimodal)
    {
        var (newer, older) = (rope.Text("rope_type"), rope.Text("type"));
        var type = newer ?? older ?? "default";
        if (multimodal && type == "mrope")
        {
            type = "default";
        }

        rope.Number("partial_rotary_factor", 1);
        switch (type)
        {
            case "default":
                rope.Number("factor", 1);
                return null;
            case "linear":
                return new LinearScaling(By(rope));
            case "dynamic":
                return new DynamicScaling(By(rope));
            case "llama3":
                return Llama3(rope, positions);
            case "yarn":
                return Yarn(rope, positions);
            default:
                rope.Require(
                    false,
                    newer is null ? "type" : "rope_type",
                    type,
                    "default (the plain rope), linear, dynamic, llama3 or yarn; take weights that were trained with one of them"
                );
                rope.NoFurther();
                return null;
        }
    }

    private static Llama3Scaling Llama3(JsonSettings rope, int positions)
    {
        var (low, high) = (Needed(rope, "low_freq_factor"), Needed(rope, "high_freq_factor"));
        rope.Require(low < high, "low_freq_factor", Show(low), $"less than high_freq_factor, {Show(high)}");
        return new Llama3Scaling(By(rope), low, high, Original(rope, positions));
    }

    private static YarnScaling Yarn(JsonSettings rope, int positions)
    {
        var original = Original(rope, positions);

        // A factor that is there as null is worked out.
        var by = rope.Has("factor") && rope.Token("factor") is null ? positions / original : By(rope);
        var (mscale, mscaleAll) = (rope.Double("mscale"), rope.Double("mscale_all_dim"));
        var attention = rope.Double("attention_factor") ?? YarnScaling.DefaultAttention(by, mscale, mscaleAll);
        rope.Require(attention > 0, "attention_factor", Show(attention), "greater than 0");
        return new YarnScaling(by, attention, Or(rope, "beta_fast", 32), Or(rope, "beta_slow", 1), rope.Bool("truncate") ?? true, original);
    }

    private static double By(JsonSettings rope)
    {
        var by = Needed(rope, "factor");
        rope.Require(by >= 1, "factor", Show(by), "1 or more");
        return by;
    }

    private static double Original(JsonSettings rope, int positions)
    {
        var original = rope.Double("original_max_position_embeddings") ?? positions;
        rope.Require(original > 0, "original_max_position_embeddings", Show(original), "greater than 0");
        return original;
    }

    /// <summary>Zero counts as not given, as there.</summary>
    private static double Or(JsonSettings rope, string key, double otherwise)
    {
        var value = rope.Double(key) is { } given and not 0 ? given : otherwise;
        rope.Require(value > 0, key, Show(value), "greater than 0");
        return value;
    }

    private static double Needed(JsonSettings rope, string key)
    {
        if (rope.Double(key) is { } value)
        {
            return value;
        }

        rope.Require(false, key, "missing", "a number, which this type of rope needs. Restore the file from the checkpoint's source");
        return 1;
    }

    private static string Show(double value) => FormattableString.Invariant($"{value}");
}
