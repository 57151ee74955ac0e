using CoIN.Benchmark;
using CoIN.Models.Settings;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tokenization;

/// <summary>
/// A tokenizer of the LLaMA kind as a <c>tokenizer.json</c> describes it; its ids are those of Hugging Face's <c>tokenizers</c>.
/// </summary>
internal sealed class FileTokenizer : ITextTokenizer
{
    private readonly TokenizerFile file;
    private readonly AddedTokens verbatim;
    private readonly AddedTokens normalized;
    private readonly Dictionary<int, string> texts;
    private readonly Dictionary<int, string> decoded;
    private readonly Dictionary<string, int> added;
    private readonly HashSet<int> special;

    /// <param name="end">The token that ends an answer.</param>
    /// <param name="unknown">The token that stands for what there is no piece for.</param>
    /// <exception cref="CoinException">The file has no such tokens.</exception>
    public FileTokenizer(TokenizerFile file, string end = "</s>", string unknown = "<unk>")
    {
        this.file = file;
        verbatim = new AddedTokens(file.Added.Where(token => !token.Normalized).Select(token => (token.Content, token)));
        normalized = new AddedTokens(file.Added.Where(token => token.Normalized).Select(token => (file.Normalize(token.Content), token)));
        texts = file.Ids.ToDictionary(pair => pair.Value, pair => pair.Key);
        foreach (var token in file.Added)
        {
            texts[token.Id] = token.Content;
        }

        // A token that is found in the normalized text is decoded in its normalized form too.
        decoded = new Dictionary<int, string>(texts);
        foreach (var token in file.Added.Where(token => token.Normalized))
        {
            decoded[token.Id] = file.Normalize(token.Content);
        }

        added = file.Added.ToDictionary(token => token.Content, token => token.Id, StringComparer.Ordinal);
        special = [.. file.Added.Where(token => token.Special).Select(token => token.Id)];
        PieceCount = texts.Keys.Max() + 1;
        BeginOfSequence = file.Begin;
        EndOfSequence = Id(end);
        Unknown = Id(unknown);

        // A conversation ends its answers by the text of the token.
        if (end != "</s>" || !Encode(end).SequenceEqual([EndOfSequence]))
        {
            throw new CoinException(
                $"{file.Path}: the token that ends a sequence is '{end}', which the text </s> does not give; supported is </s>, "
                    + "as LLaMA has it."
            );
        }

        int Id(string name) =>
            added.TryGetValue(name, out var id) || file.Ids.TryGetValue(name, out id)
                ? id
                : throw new CoinException(
                    $"{file.Path} lacks {name}: it is not a LLaMA tokenizer. Use the tokenizer that belongs to these weights."
                );
    }

    /// <inheritdoc/>
    public int Unknown { get; }

    /// <inheritdoc/>
    public int BeginOfSequence { get; }

    /// <inheritdoc/>
    public int EndOfSequence { get; }

    /// <inheritdoc/>
    public int PieceCount { get; }

    /// <summary>Reads a folder's <c>tokenizer.json</c>, and what <c>tokenizer_config.json</c> beside it changes.</summary>
    /// <exception cref="CoinException">A file is missing or damaged, or says what is not supported.</exception>
    public static FileTokenizer Load(string folder)
    {
        var file = TokenizerFile.Read(Path.Combine(folder, TokenizerFile.Name));
        var path = Path.Combine(folder, "tokenizer_config.json");
        if (!File.Exists(path))
        {
            return new FileTokenizer(file);
        }

        var settings = new JsonSettings(path, SettingsFile.Json(path));

        // What transformers does to a tokenizer after it has read the file.
        settings.On("add_bos_token");
        settings.Off("add_eos_token", "clean_up_tokenization_spaces", "split_special_tokens");
        var known = file.Added.Select(token => token.Content).Concat(file.Ids.Keys).ToHashSet(StringComparer.Ordinal);
        foreach (var name in Named(settings).Where(name => !known.Contains(name)))
        {
            settings.Fault(
                $"the token '{name}' is not in {TokenizerFile.Name}, so that transformers would add it with an id that no file says. "
                    + "Use the files of one checkpoint."
            );
        }

        settings.ThrowIfFaulty();
        return new FileTokenizer(file, TokenText(settings.Token("eos_token")) ?? "</s>", TokenText(settings.Token("unk_token")) ?? "<unk>");
    }

    /// <inheritdoc/>
    public int? AddedId(string content) => added.TryGetValue(content, out var id) ? id : null;

    /// <inheritdoc/>
    public string PieceText(int id) => texts.GetValueOrDefault(id, "");

    /// <inheritdoc/>
    public List<int> Encode(string text)
    {
        var ids = new List<int>();
        foreach (var part in verbatim.Split(text))
        {
            if (part.Id is { } id)
            {
                ids.Add(id);
                continue;
            }

            var plain = file.Normalize(text[part.From..part.To]);
            foreach (var inner in normalized.Split(plain))
            {
                if (inner.Id is { } known)
                {
                    ids.Add(known);
                    continue;
                }

                var stretch = plain[inner.From..inner.To];
                foreach (var word in file.Words?.Apply(stretch, first: part.From == 0 && inner.From == 0) ?? [stretch])
                {
                    file.Model.Encode(word, ids);
                }
            }
        }

        return ids;
    }

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids) => Decode(ids, skipSpecial: true);

    /// <summary>The text of ids.</summary>
    /// <param name="skipSpecial">Whether special tokens are left out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecial)
    {
        // A model's vocabulary may be padded beyond the tokenizer's.
        var tokens = ids.Where(id => !(skipSpecial && special.Contains(id)))
            .Select(id => decoded.GetValueOrDefault(id))
            .OfType<string>()
            .ToList();
        return string.Concat(file.Decoding.Aggregate(tokens, (made, step) => step(made)));
    }

    /// <summary>Every token that the settings name.</summary>
    private static IEnumerable<string> Named(JsonSettings settings)
    {
        foreach (var key in new[] { "bos_token", "eos_token", "unk_token", "pad_token" })
        {
            if (TokenText(settings.Token(key)) is { } name)
            {
                yield return name;
            }
        }

        foreach (var key in new[] { "extra_special_tokens", "additional_special_tokens", "added_tokens_decoder" })
        {
            IEnumerable<JToken?> tokens = settings.Token(key) switch
            {
                JArray list => list,
                JObject named => named.Properties().Select(property => property.Value),
                _ => [],
            };
            foreach (var name in tokens.Select(TokenText).OfType<string>())
            {
                yield return name;
            }
        }
    }

    /// <summary>A token by itself, or with its flags.</summary>
    private static string? TokenText(JToken? token) =>
        token switch
        {
            JValue { Type: JTokenType.String } text => (string?)text,
            JObject flagged => flagged["content"]?.ToString(),
            _ => null,
        };
}
