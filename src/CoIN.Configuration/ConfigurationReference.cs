using CoIN.Benchmark;

namespace CoIN.Configuration;

/// <summary>The built-in reference configuration: every key with its default, a copy of <c>hocon/reference.conf</c>.</summary>
public static class ConfigurationReference
{
    private const string Resource = "CoIN.Configuration.reference.conf";

    /// <summary>The commented text.</summary>
    public static string Text { get; } = ReadResource();

    internal static ObjectSetting Tree { get; } = HoconFile.ReadText(Text, new Origin("the built-in reference.conf", null));

    /// <summary>Full names of all keys, e.g. <c>coin.lora.rank</c>.</summary>
    public static IReadOnlyList<string> Keys { get; } = [.. Leaves("", Tree)];

    /// <summary>A section with its defaults; empty where the reference has none of that name.</summary>
    /// <param name="path">E.g. <c>coin.lora</c>.</param>
    internal static ObjectSetting SectionAt(string path) =>
        path.Split('.')
            .Aggregate(Tree, (tree, key) => tree.Items.GetValueOrDefault(key) as ObjectSetting ?? ObjectSetting.Empty(Tree.Origin));

    private static IEnumerable<string> Leaves(string prefix, ObjectSetting tree) =>
        tree.Items.SelectMany(item => item.Value is ObjectSetting child ? Leaves($"{prefix}{item.Key}.", child) : [prefix + item.Key]);

    private static string ReadResource()
    {
        using var stream = typeof(ConfigurationReference).Assembly.GetManifestResourceStream(Resource)
            ?? throw new CoinException($"The program was built without its resource {Resource}. Build it again from a clean checkout.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
