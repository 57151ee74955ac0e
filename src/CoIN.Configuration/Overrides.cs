using CoIN.Benchmark;

namespace CoIN.Configuration;

/// <summary>The settings given on the command line as <c>key=value</c>.</summary>
internal static class Overrides
{
    /// <summary>Reads one setting; the key may leave out the leading <c>coin.</c>, the value may be a list <c>[a, b]</c>.</summary>
    /// <param name="text">E.g. <c>lora.rank=16</c>.</param>
    /// <param name="folder">Folder to which a relative path refers.</param>
    /// <exception cref="CoinException">The text is not <c>key=value</c>.</exception>
    public static ObjectSetting Read(string text, string folder)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        var keys = at < 0 ? [] : text[..at].Trim().Split('.');
        if (keys.Length == 0 || keys.Any(string.IsNullOrWhiteSpace))
        {
            throw Fault(text, "write --set key=value, for example --set lora.rank=16.");
        }

        var origin = new Origin($"--set {text}", folder);
        var value = Value(text, text[(at + 1)..].Trim(), origin);
        var path = keys[0] == "coin" ? keys : ["coin", .. keys];
        foreach (var key in path.Reverse())
        {
            value = new ObjectSetting(new OrderedDictionary<string, Setting> { [key] = value }, origin);
        }

        return (ObjectSetting)value;
    }

    private static Setting Value(string whole, string text, Origin origin) =>
        text switch
        {
            ['[', .. var inside, ']'] => inside.AsSpan().ContainsAny("[]{}")
                ? throw Fault(whole, "a list holds names and numbers only: --set order=[GQA,TextVQA].")
                : new ListSetting(Split(inside), origin),
            ['"', .. var inside, '"'] => new ScalarSetting(inside.Length == 0 ? null : inside, origin),
            ['[', ..] or [.., ']'] => throw Fault(whole, "a list is written in brackets, [a,b]; one of them is missing."),
            ['{', ..] => throw Fault(
                whole,
                "a section cannot be set as one. Set its keys one by one: --set lora.rank=16 --set lora.alpha=32."
            ),
            ['"', ..] or [.., '"'] => throw Fault(whole, "a quotation mark has no partner."),
            "" or "null" => new ScalarSetting(null, origin),
            _ => new ScalarSetting(text, origin),
        };

    private static CoinException Fault(string text, string what) => new($"--set {text}: {what}") { ExitCode = CoinException.Usage };

    private static string[] Split(string list) =>
        [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(item => item.Trim('"'))];
}
