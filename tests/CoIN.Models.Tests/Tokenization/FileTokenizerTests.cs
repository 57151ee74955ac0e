using CoIN.Benchmark;
using CoIN.Models.Tests.Support;
using CoIN.Models.Tokenization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tests.Tokenization;

/// <summary>
/// A small tokenizer (Rules/tokenizer.json) with other rules laid over it, and the ids and texts that Hugging Face's <c>tokenizers</c>
/// gives (Rules/rules.json).
/// </summary>
public sealed class FileTokenizerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Rules =>
        [.. ((JObject)Resource("rules.json")["rules"]!).Properties().Select(property => property.Name)];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Rules))]
    public void Texts_have_the_ids_that_the_file_s_rules_give_in_tokenizers_and_ids_its_texts(string rules)
    {
        var tokenizer = Tokenizer((JObject)Resource("rules.json")["rules"]![rules]!["rules"]!);
        foreach (var one in Resource("rules.json")["rules"]![rules]!["cases"]!)
        {
            List<int> ids = [.. one[1]!.Select(id => (int)id)];
            if ((string?)one[0] is { } text)
            {
                Assert.Equal(ids, [tokenizer.BeginOfSequence, .. tokenizer.Encode(text)]);
            }

            Assert.Equal((string)one[2]!, tokenizer.Decode(ids, skipSpecial: false));
        }
    }

    [Fact]
    public void What_a_model_s_placeholder_is_and_how_long_the_vocabulary_is_follows_from_the_added_tokens()
    {
        var tokenizer = Tokenizer([]);
        var added = (JArray)Resource("tokenizer.json")["added_tokens"]!;
        Assert.Equal((int)added.Single(token => (string?)token["content"] == "<image>")["id"]!, tokenizer.AddedId("<image>"));
        Assert.Null(tokenizer.AddedId("the"));
        Assert.Equal(added.Max(token => (int)token["id"]!) + 1, tokenizer.PieceCount);
        Assert.Equal("", tokenizer.PieceText(tokenizer.PieceCount));
        Assert.Equal("the", tokenizer.Decode([.. tokenizer.Encode("the"), tokenizer.PieceCount, tokenizer.EndOfSequence]));
    }

    [Theory]
    [InlineData("normalizer", """{"type": "NFKC"}""", "normalizer.type is NFKC")]
    [InlineData(
        "normalizer",
        """{"type": "Sequence", "normalizers": [{"type": "Lowercase"}]}""",
        "normalizer.normalizers[0].type is Lowercase"
    )]
    [InlineData("normalizer", """{"type": "Replace", "pattern": {"Regex": " +"}, "content": "x"}""", "other patterns are not supported")]
    [InlineData("pre_tokenizer", """{"type": "ByteLevel"}""", "pre_tokenizer.type is ByteLevel")]
    [InlineData("post_processor", "null", "post_processor is not a TemplateProcessing")]
    [InlineData("post_processor", """{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}]}""", "post_processor.single")]
    [InlineData("decoder", "null", "no decoder")]
    [InlineData("decoder", """{"type": "WordPiece"}""", "decoder.type is WordPiece")]
    [InlineData("added_tokens", """[{"id": 9000, "content": "<x>", "special": true}]""", "added_tokens[0].id is 9000 for '<x>'")]
    [InlineData("added_tokens", """[{"id": 1, "content": "<unk>"}]""", "added_tokens[0].id is 1 for '<unk>'")]
    [InlineData("new_part", "{}", "new_part is {}, a key that is not known")]
    [InlineData("model.type", "\"Unigram\"", "model.type is Unigram")]
    [InlineData("model.byte_fallback", "false", "model.byte_fallback is false")]
    [InlineData("model.dropout", "0.1", "model.dropout is 0.1")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"", "model.end_of_word_suffix")]
    [InlineData("model.unk_token", "\"<nothing>\"", "model.unk_token is '<nothing>'")]
    [InlineData("model.merges", """["t q"]""", "merge 0 (t q)")]
    [InlineData("model.vocab", "{}", "no model with a vocabulary")]
    [InlineData("model.vocab", """{"a": 0, "b": 0, "<unk>": 1}""", "two pieces of the vocabulary have the same id")]
    public void A_part_that_would_give_other_ids_is_refused_by_name(string key, string value, string fault)
    {
        var json = Resource("tokenizer.json");
        var at = key.Split('.');
        (at.Length == 1 ? json : (JObject)json[at[0]]!)[at[^1]] = JToken.Parse(value);
        File.WriteAllText(folder.Of("tokenizer.json"), json.ToString());
        var message = Assert.Throws<CoinException>(() => FileTokenizer.Load(folder.Path)).Message;
        Assert.Contains(fault, message, StringComparison.Ordinal);
        Assert.Contains(folder.Of("tokenizer.json"), message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("add_bos_token", "false", "add_bos_token is false")]
    [InlineData("add_eos_token", "true", "add_eos_token is true")]
    [InlineData("clean_up_tokenization_spaces", "true", "clean_up_tokenization_spaces is true")]
    [InlineData("pad_token", "\"<filler>\"", "the token '<filler>' is not in tokenizer.json")]
    [InlineData("added_tokens_decoder", """{"400": {"content": "<new>", "special": true}}""", "the token '<new>' is not in tokenizer.json")]
    [InlineData("extra_special_tokens", """["<extra>"]""", "the token '<extra>' is not in tokenizer.json")]
    [InlineData("eos_token", """{"content": "<pad>"}""", "the token that ends a sequence is '<pad>'")]
    public void Settings_beside_it_that_would_give_other_ids_are_refused_by_name(string key, string value, string fault)
    {
        File.WriteAllText(folder.Of("tokenizer.json"), Resource("tokenizer.json").ToString());
        File.WriteAllText(
            folder.Of("tokenizer_config.json"),
            new JObject { ["tokenizer_class"] = "LlamaTokenizer", [key] = JToken.Parse(value) }.ToString()
        );
        Assert.Contains(fault, Assert.Throws<CoinException>(() => FileTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    private FileTokenizer Tokenizer(JObject rules)
    {
        var json = Resource("tokenizer.json");
        foreach (var (key, value) in rules)
        {
            if (key == "model")
            {
                foreach (var (inner, replaced) in (JObject)value!)
                {
                    json["model"]![inner] = replaced;
                }
            }
            else
            {
                json[key] = value;
            }
        }

        File.WriteAllText(folder.Of("tokenizer.json"), json.ToString());
        return FileTokenizer.Load(folder.Path);
    }

    private static JObject Resource(string name)
    {
        using var stream = typeof(FileTokenizerTests).Assembly.GetManifestResourceStream(name)!;
        using var reader = new JsonTextReader(new StreamReader(stream)) { DateParseHandling = DateParseHandling.None };
        return JObject.Load(reader);
    }
}
