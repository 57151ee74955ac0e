using CoIN.Benchmark;
using CoIN.Models.Settings;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tokenization;

/// <summary>
/// A <c>tokenizer.json</c> of Hugging Face's <c>tokenizers</c>, as far as models of the LLaMA kind use it. What its parts do is followed,
/// whatever class is named beside it; a part that is not known is refused by name, for it would give other ids.
/// </summary>
/// <param name="Path">For messages.</param>
/// <param name="Added">In the order of their ids.</param>
/// <param name="Ids">Ids of the model's pieces.</param>
/// <param name="Normalize">What is done to a stretch of text between added tokens.</param>
/// <param name="Words">How normalized text is cut; null for not at all.</param>
/// <param name="Begin">The token that stands in front of a text.</param>
/// <param name="Decoding">From tokens to text.</param>
internal sealed record TokenizerFile(
    string Path,
    IReadOnlyList<AddedToken> Added,
    IReadOnlyDictionary<string, int> Ids,
    BytePairVocabulary Model,
    Func<string, string> Normalize,
    Metaspace? Words,
    int Begin,
    IReadOnlyList<DecodingStep> Decoding
)
{
    /// <summary>The file's name in a model's folder.</summary>
    public const string Name = "tokenizer.json";

    /// <summary>Reads a file.</summary>
    /// <exception cref="CoinException">It is missing or damaged, or a part of it is not known; the message names all of them.</exception>
    public static TokenizerFile Read(string path)
    {
        var settings = new JsonSettings(path, SettingsFile.Json(path));

        // How long and how wide batches become is decided by who calls, which sets both aside.
        settings.Harmless("version", "truncation", "padding");
        var model = settings.Child("model");
        var ids = model is null ? null : ReadIds(model);
        if (model is null || ids is null)
        {
            settings.Fault("there is no model with a vocabulary. Is it a tokenizer's file?");
        }

        settings.ThrowIfFaulty();

        var vocabulary = ReadModel(model!, ids!);
        var added = ReadAdded(settings, ids!);
        var normalize = settings.Child("normalizer") is { } normalizer ? ReadNormalizer(normalizer) : text => text;
        var words = settings.Child("pre_tokenizer") is { } cutting ? ReadWords(cutting) : null;
        var begin = ReadTemplate(settings);
        var decoding = settings.Child("decoder") is { } decoder ? [.. ReadDecoder(decoder)] : new List<DecodingStep>();
        if (decoding.Count == 0)
        {
            settings.Fault("there is no decoder, so that it is no tokenizer of the LLaMA kind.");
        }

        settings.NoOtherKeys();
        settings.ThrowIfFaulty();
        return new TokenizerFile(path, added, ids!, vocabulary!, normalize, words, begin, decoding);
    }

    private static Dictionary<string, int>? ReadIds(JsonSettings model)
    {
        if (model.Token("vocab") is not JObject { HasValues: true } vocabulary)
        {
            return null;
        }

        var ids = new Dictionary<string, int>(vocabulary.Count, StringComparer.Ordinal);
        foreach (var (piece, id) in vocabulary)
        {
            if (id is not { Type: JTokenType.Integer } || (long)id is < 0 or > int.MaxValue)
            {
                model.Fault($"the piece '{piece}' has no id that is a number. Download the file again.");
                continue;
            }

            ids[piece] = (int)id;
        }

        if (ids.Values.Distinct().Count() != ids.Count)
        {
            model.Fault("two pieces of the vocabulary have the same id. Download the file again.");
        }

        return ids;
    }

    private static BytePairVocabulary? ReadModel(JsonSettings model, Dictionary<string, int> ids)
    {
        var type = model.Text("type") ?? "BPE";
        if (type != "BPE")
        {
            model.Require(false, "type", type, "BPE (byte-pair encoding, as LLaMA has it)");
            model.NoFurther();
            return null;
        }

        model.Number("dropout", 0);
        foreach (var key in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
        {
            if (model.Text(key) is { Length: > 0 } mark)
            {
                model.Require(false, key, $"'{mark}'", "none");
            }
        }

        var fallback = model.Bool("byte_fallback") ?? false;
        model.Require(fallback, "byte_fallback", "false", "true (a vocabulary of the LLaMA kind)");
        int? unknown = null;
        if (model.Text("unk_token") is { } name)
        {
            unknown = ids.TryGetValue(name, out var id) ? id : null;
            model.Require(unknown is not null, "unk_token", $"'{name}', which is not in the vocabulary", "one of its pieces");
        }

        var (fuses, ignores) = (model.Bool("fuse_unk") ?? false, model.Bool("ignore_merges") ?? false);
        var merges = ReadMerges(model, ids);
        model.NoOtherKeys();
        return new BytePairVocabulary(ids, merges, fallback, unknown, fuses, ignores);
    }

    /// <summary>Older files have a pair as a text, newer ones as a list of two.</summary>
    private static RankedMerges ReadMerges(JsonSettings model, Dictionary<string, int> ids)
    {
        var merges = new RankedMerges();
        if (model.Token("merges") is not JArray list)
        {
            model.Fault("the model has no merges. Download the file again.");
            return merges;
        }

        for (var rank = 0; rank < list.Count; rank++)
        {
            string[] pair = list[rank] is JArray two ? [.. two.Select(part => part.ToString())] : list[rank].ToString().Split(' ');
            if (
                pair.Length != 2
                || !ids.TryGetValue(pair[0], out var left)
                || !ids.TryGetValue(pair[1], out var right)
                || !ids.TryGetValue(pair[0] + pair[1], out var merged)
            )
            {
                model.Fault(
                    $"merge {rank} ({string.Join(' ', pair)}) is no pair of pieces whose joint text is a piece. Download the file again."
                );
                break;
            }

            merges.Add(left, right, rank, merged);
        }

        return merges;
    }

    private static List<AddedToken> ReadAdded(JsonSettings settings, Dictionary<string, int> ids)
    {
        var added = new List<AddedToken>();
        var next = ids.Values.Max() + 1;
        foreach (var token in settings.Children("added_tokens").OrderBy(token => token.Int("id")))
        {
            if (token.Text("content") is not { Length: > 0 } content || token.Int("id") is not { } id)
            {
                token.Fault("an added token has no content or no id. Download the file again.");
                continue;
            }

            bool Flag(string key) => token.Bool(key) ?? false;
            added.Add(
                new AddedToken(
                    id,
                    content,
                    Flag("single_word"),
                    Flag("lstrip"),
                    Flag("rstrip"),
                    token.Bool("normalized") ?? !Flag("special"),
                    Flag("special")
                )
            );
            token.NoOtherKeys();

            // A token that is not in the vocabulary gets the next id, whatever the file says.
            var expected = ids.TryGetValue(content, out var known) ? known : next++;
            token.Require(
                id == expected,
                "id",
                $"{id} for '{content}'",
                $"{expected}, which it gets by the vocabulary. Use the tokenizer as it was saved"
            );
        }

        return added;
    }

    private static Func<string, string> ReadNormalizer(JsonSettings settings)
    {
        var type = settings.Text("type") ?? "none";
        switch (type)
        {
            case "Sequence":
                var steps = settings.Children("normalizers").Select(ReadNormalizer).ToList();
                settings.NoOtherKeys();
                return text => steps.Aggregate(text, (made, step) => step(made));
            case "Prepend":
                var prefix = settings.Text("prepend") ?? "";
                settings.NoOtherKeys();
                return text => text.Length == 0 ? text : prefix + text;
            case "Replace":
                var (pattern, content) = ReadReplace(settings);
                return text => text.Replace(pattern, content, StringComparison.Ordinal);
            default:
                settings.Require(false, "type", type, "Sequence, Prepend or Replace");
                settings.NoFurther();
                return text => text;
        }
    }

    /// <summary>A text and what is put in its place.</summary>
    private static (string Pattern, string Content) ReadReplace(JsonSettings settings)
    {
        var pattern = settings.Child("pattern");
        var text = pattern?.Text("String");
        var content = settings.Text("content") ?? "";
        pattern?.NoOtherKeys();
        settings.NoOtherKeys();
        if (text is { Length: > 0 })
        {
            return (text, content);
        }

        settings.Fault("a replacement has no text (String) as its pattern; other patterns are not supported.");
        return ("\0", "\0");
    }

    private static Metaspace? ReadWords(JsonSettings settings)
    {
        var type = settings.Text("type") ?? "none";
        if (type == "Sequence")
        {
            var parts = settings.Children("pretokenizers").ToList();
            settings.NoOtherKeys();
            settings.Require(parts.Count <= 1, "pretokenizers", $"{parts.Count} steps", "one");
            return parts.Count == 0 ? null : ReadWords(parts[0]);
        }

        if (type != "Metaspace")
        {
            settings.Require(false, "type", type, "Metaspace, or no pre-tokenizer");
            settings.NoFurther();
            return null;
        }

        var (replacement, scheme) = ReadMetaspace(settings);
        var split = settings.Bool("split") ?? true;
        settings.NoOtherKeys();
        return new Metaspace(replacement, scheme, split);
    }

    /// <summary>
    /// What pre-tokenizer and decoder of this name have in common. Older files have <c>add_prefix_space</c> in the place of the scheme.
    /// </summary>
    private static (char Replacement, PrependScheme Scheme) ReadMetaspace(JsonSettings settings)
    {
        settings.Harmless("str_rep");
        var prefix = settings.Bool("add_prefix_space");
        var replacement = settings.Text("replacement") ?? $"{WordCache.Space}";
        settings.Require(replacement.Length == 1, "replacement", $"'{replacement}'", "one letter");
        var name = settings.TextOf("prepend_scheme", prefix == false ? "never" : "always", "never", "first", "always");
        return (
            replacement.Length == 1 ? replacement[0] : WordCache.Space,
            name switch
            {
                "never" => PrependScheme.Never,
                "first" => PrependScheme.First,
                _ => PrependScheme.Always,
            }
        );
    }

    /// <summary>Every text begins with one token, and nothing else is added to it.</summary>
    private static int ReadTemplate(JsonSettings settings)
    {
        const string Supported = "a TemplateProcessing of <s> and the text ($A), as models of the LLaMA kind have it";
        if (settings.Child("post_processor") is not { } template || template.Text("type") is not "TemplateProcessing")
        {
            settings.Fault(
                $"post_processor is not {Supported}: texts would begin without <s>. Use the tokenizer that belongs to these weights."
            );
            settings.Child("post_processor")?.NoFurther();
            return -1;
        }

        // Pairs of texts are not encoded here.
        template.Harmless("pair");
        var begin =
            template.Token("single") is JArray { Count: 2 } single && single[1]["Sequence"]?["id"]?.ToString() == "A"
                ? single[0]["SpecialToken"]?["id"]?.ToString()
                : null;
        var ids = begin is null ? null : template.Token("special_tokens")?[begin]?["ids"] as JArray;
        template.NoOtherKeys();
        if (ids is { Count: 1 } && ids[0].Type == JTokenType.Integer)
        {
            return (int)ids[0];
        }

        template.Require(false, "single", JsonSettings.Show(template.Token("single") ?? JValue.CreateNull()), Supported);
        return -1;
    }

    private static IEnumerable<DecodingStep> ReadDecoder(JsonSettings settings)
    {
        var type = settings.Text("type") ?? "none";
        switch (type)
        {
            case "Sequence":
                var steps = settings.Children("decoders").SelectMany(ReadDecoder).ToList();
                settings.NoOtherKeys();
                return steps;
            case "Replace":
                var (pattern, content) = ReadReplace(settings);
                return [TokenDecoder.Replace(pattern, content)];
            case "ByteFallback":
                settings.NoOtherKeys();
                return [TokenDecoder.ByteFallback];
            case "Fuse":
                settings.NoOtherKeys();
                return [TokenDecoder.Fuse];
            case "Strip":
                var letter = settings.Text("content") ?? " ";
                settings.Require(letter.Length == 1, "content", $"'{letter}'", "one letter");
                var (start, stop) = (settings.Int("start") ?? 0, settings.Int("stop") ?? 0);
                settings.NoOtherKeys();
                return letter.Length == 1 ? [TokenDecoder.Strip(letter[0], start, stop)] : [];
            case "Metaspace":
                var (replacement, scheme) = ReadMetaspace(settings);
                settings.Harmless("split");
                settings.NoOtherKeys();
                return [TokenDecoder.Metaspace(replacement, scheme != PrependScheme.Never)];
            default:
                settings.Require(false, "type", type, "Sequence, Replace, ByteFallback, Fuse, Strip or Metaspace");
                settings.NoFurther();
                return [tokens => tokens];
        }
    }
}
