using CoIN.Models.Families.Qwen2;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Tokenization;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tests.Families.Qwen2;

[Trait("Category", "Parity")]
public sealed class Qwen2TokenizerParityTests : IDisposable
{
    private static readonly JObject Cases = GoldenFolder.Json("qwen2-tiny", "tokenizer_cases.json");
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>The two forms in which a tokenizer comes.</summary>
    [Theory]
    [InlineData("vocab.json", "merges.txt", "tokenizer_config.json")]
    [InlineData("tokenizer.json", "tokenizer_config.json")]
    [InlineData("tokenizer.json")]
    public void Texts_get_the_reference_s_ids_and_ids_its_texts(params string[] files)
    {
        foreach (var file in files)
        {
            File.Copy(GoldenFolder.Of("qwen2-tiny", "tokenizer", file), folder.Of(file));
        }

        var tokenizer = Qwen2Tokenizer.Of(Qwen2Vocabulary.Read(folder.Path));
        Assert.NotEmpty(Cases["cases"]!);
        foreach (var one in Cases["cases"]!)
        {
            var ids = Ints(one["ids"]!);
            Assert.Equal(ids, tokenizer.Encode((string)one["text"]!));
            Assert.Equal((string)one["decoded"]!, tokenizer.Decode(ids, skipSpecial: false));
            Assert.Equal((string)one["decoded_skip_special"]!, tokenizer.Decode(ids));
        }

        Assert.Equal((int)Cases["vocab_size"]! + Cases["special"]!.Count(), tokenizer.Size);
    }

    [Fact]
    public void Ids_that_end_within_a_character_give_the_reference_s_replacement_characters()
    {
        var tokenizer = Qwen2Tokenizer.Of(Vocabulary());
        Assert.NotEmpty(Cases["partial_decodes"]!);
        foreach (var one in Cases["partial_decodes"]!)
        {
            Assert.Equal((string)one["decoded"]!, tokenizer.Decode(Ints(one["ids"]!)));
        }
    }

    [Fact]
    public void Conversations_get_the_reference_s_text_and_ids()
    {
        var vocabulary = Vocabulary();
        var (tokenizer, template) = (Qwen2Tokenizer.Of(vocabulary), ChatTemplate.Of(vocabulary));
        Assert.NotEmpty(Cases["chats"]!);
        foreach (var one in Cases["chats"]!)
        {
            var messages = one["messages"]!
                .Select(message => new ChatMessage((string)message["role"]!, (string)message["content"]!))
                .ToList();
            var text = template.Write(messages, (bool)one["add_generation_prompt"]!);
            Assert.Equal((string)one["text"]!, text);
            Assert.Equal(Ints(one["ids"]!), tokenizer.Encode(text));
        }
    }

    [Fact]
    public void An_added_token_is_found_before_its_last_letter_is_joined_with_what_follows()
    {
        var tokenizer = Qwen2Tokenizer.Of(Vocabulary());
        var end = tokenizer.AddedId(ChatTemplate.End)!.Value;

        // A combining solidus would make one letter of it and the bracket before.
        Assert.Equal([end, .. tokenizer.Encode("\u0338")], tokenizer.Encode($"{ChatTemplate.End}\u0338"));
        Assert.Equal(tokenizer.Encode("\u226F"), tokenizer.Encode(">\u0338"));
    }

    [Fact]
    public void Half_a_character_is_taken_for_the_replacement_character()
    {
        var tokenizer = Qwen2Tokenizer.Of(Vocabulary());
        Assert.Equal("a\uFFFDb", tokenizer.Decode(tokenizer.Encode("a\uD83Db")));
    }

    private static Qwen2Vocabulary Vocabulary() => Qwen2Vocabulary.Read(GoldenFolder.Of("qwen2-tiny", "tokenizer"));

    private static List<int> Ints(JToken token) => [.. token.Select(id => (int)id)];
}
