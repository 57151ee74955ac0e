using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using CoIN.Models.Settings;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tokenization;

/// <summary>The files of a Qwen2 tokenizer, read.</summary>
/// <param name="Tokens">Ids of the byte-level tokens.</param>
/// <param name="Merges">Pairs to merge, the first ones first, each as <c>left right</c>.</param>
/// <param name="Added">Ids of the tokens that stand for themselves in a text: <c>&lt;|im_start|&gt;</c> …</param>
/// <param name="ChatTemplate">The Jinja template of conversations; null where none is given.</param>
/// <param name="Source">The file of tokens and merges, for messages.</param>
internal sealed record Qwen2Vocabulary(
    IReadOnlyDictionary<string, int> Tokens,
    IReadOnlyList<string> Merges,
    IReadOnlyDictionary<string, int> Added,
    string? ChatTemplate,
    string Source
)
{
    /// <summary>The files that a tokenizer may consist of.</summary>
    public static IReadOnlyList<string> Files { get; } = ["vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"];

    /// <summary>Whether a folder has a tokenizer.</summary>
    public static bool IsIn(string folder) =>
        File.Exists(Path.Combine(folder, "tokenizer.json"))
        || (File.Exists(Path.Combine(folder, "vocab.json")) && File.Exists(Path.Combine(folder, "merges.txt")));

    /// <summary>
    /// Reads <c>vocab.json</c> and <c>merges.txt</c>, or <c>tokenizer.json</c>, with the added tokens of <c>tokenizer_config.json</c>.
    /// </summary>
    /// <exception cref="CoinException">A file is missing or damaged.</exception>
    public static Qwen2Vocabulary Read(string folder)
    {
        string vocabulary = Path.Combine(folder, "vocab.json"),
            merges = Path.Combine(folder, "merges.txt"),
            whole = Path.Combine(folder, "tokenizer.json");
        var settings = Path.Combine(folder, "tokenizer_config.json");
        var parts = File.Exists(vocabulary) && File.Exists(merges);
        if (!parts && !File.Exists(whole))
        {
            throw new CoinException(
                $"{folder} has no tokenizer: neither vocab.json with merges.txt nor tokenizer.json. Download the tokenizer's files of the model too."
            );
        }

        var (tokens, pairs) = parts
            ? (SettingsFile.Values(vocabulary, (_, json) => Ids(json)), MergesOf(merges))
            : SettingsFile.Values(whole, (path, json) => Model(path, json["model"] as JObject));
        var added = new Dictionary<string, int>(StringComparer.Ordinal);
        string? template = null;
        if (File.Exists(whole))
        {
            AddAll(
                added,
                SettingsFile.Values(whole, (_, json) =>
                    (json["added_tokens"] ?? new JArray()).Select(token => ((string)token["content"]!, (int)token["id"]!)).ToList()
                )
            );
        }

        if (File.Exists(settings))
        {
            (var named, template) = SettingsFile.Values(settings, (_, json) =>
                (
                    (json["added_tokens_decoder"] as JObject ?? [])
                        .Properties()
                        .Select(token =>
                            ((string)token.Value["content"]!, int.Parse(token.Name, System.Globalization.CultureInfo.InvariantCulture))
                        )
                        .ToList(),
                    json["chat_template"] is { Type: JTokenType.String } text ? (string?)text : null
                )
            );
            AddAll(added, named);
        }

        var source = parts ? vocabulary : whole;
        var lacking = ByteAlphabet.Letters.Where(letter => !tokens.ContainsKey(letter)).ToList();
        return lacking.Count == 0
            ? new Qwen2Vocabulary(tokens, pairs, added, template, source)
            : throw new CoinException(
                $"{source} lacks the tokens of {lacking.Count} single bytes, so that it is no byte-level vocabulary. Restore it from the model's source."
            );
    }

    /// <summary>Writes a tokenizer's files.</summary>
    /// <param name="tokens">
    /// Single bytes, and tokens of which each is an earlier one and one letter more, in the alphabet of bytes (<see cref="ByteAlphabet"/>).
    /// </param>
    /// <param name="marks">Tokens that stand for themselves; their ids follow those of <paramref name="tokens"/>.</param>
    public static void Write(string folder, IReadOnlyList<string> tokens, IReadOnlyList<string> marks)
    {
        File.WriteAllBytes(Path.Combine(folder, Files[0]), TokensFile(tokens));
        Durable.WriteText(
            Path.Combine(folder, Files[1]),
            string.Concat(
                tokens.Where(token => token.Length > 1).Select(token => $"{token[..^1]} {token[^1]}\n").Prepend("#version: 0.2\n")
            )
        );
        var added = new JObject(
            marks
                .Index()
                .Select(mark => new JProperty($"{tokens.Count + mark.Index}", new JObject { ["content"] = mark.Item, ["special"] = true }))
        );
        var settings = new JObject { ["added_tokens_decoder"] = added, ["tokenizer_class"] = "Qwen2Tokenizer" };
        Durable.WriteText(Path.Combine(folder, Files[3]), settings.ToString(Formatting.Indented) + "\n");
    }

    /// <summary>What <c>vocab.json</c> holds of some tokens.</summary>
    public static byte[] TokensFile(IReadOnlyList<string> tokens) =>
        System.Text.Encoding.UTF8.GetBytes(
            JsonConvert.SerializeObject(tokens.Index().ToDictionary(token => token.Item, token => token.Index))
        );

    private static void AddAll(Dictionary<string, int> added, IEnumerable<(string Text, int Id)> tokens)
    {
        foreach (var (text, id) in tokens.Where(token => token.Text.Length > 0))
        {
            added[text] = id;
        }
    }

    private static Dictionary<string, int> Ids(JObject json) =>
        json.Properties().ToDictionary(token => token.Name, token => (int)token.Value, StringComparer.Ordinal);

    private static (Dictionary<string, int> Tokens, List<string> Merges) Model(string path, JObject? model)
    {
        var type = (string?)model?["type"] ?? "none";
        SettingsFile.Require(
            type == "BPE" && model!["vocab"] is JObject && model["merges"] is JArray,
            path,
            "the model's type",
            type,
            "BPE with vocab and merges"
        );

        // Older files have a pair as a text, newer ones as a list of two.
        return (
            Ids((JObject)model!["vocab"]!),
            [.. model["merges"]!.Select(pair => pair is JArray two ? $"{two[0]} {two[1]}" : (string)pair!)]
        );
    }

    private static List<string> MergesOf(string path)
    {
        Misdelivered.ThrowIfOne(path, binary: false);
        try
        {
            string[] lines = [.. Utf8Text.Lines(path)];
            return
            [
                .. lines
                    .Skip(lines.FirstOrDefault("").StartsWith("#version", StringComparison.Ordinal) ? 1 : 0)
                    .Where(line => line.Length > 0),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. Check its permissions.", e);
        }
    }
}
