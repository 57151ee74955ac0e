using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tests.Families.QwenVl;

[Trait("Category", "Parity")]
public sealed class QwenVlTokenizerParityTests : IDisposable
{
    private static readonly JToken Cases = PromptFixtures.Read("qwen-vl-tiny", "tokenizer_cases.json");
    private readonly QwenVlTokenizer tokenizer = QwenVlTokenizer.Load(GoldenFolder.Of("qwen-vl-tiny"));
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Texts_get_the_reference_s_ids_and_ids_its_texts()
    {
        Assert.NotEmpty(Cases["cases"]!);
        foreach (var one in Cases["cases"]!)
        {
            var ids = tokenizer.Encode((string)one["text"]!);
            Assert.Equal(PromptFixtures.Ints(one["ids"]!), ids);
            Assert.Equal((string)one["decoded"]!, tokenizer.Decode(ids, skipSpecial: false));
            Assert.Equal((string)one["decoded_skip_special"]!, tokenizer.Decode(ids));
        }
    }

    [Fact]
    public void Special_tokens_have_the_reference_s_ids()
    {
        Assert.Equal((int)Cases["n_vocab"]!, tokenizer.Size);
        Assert.Equal((int)Cases["img_start_id"]!, tokenizer.ImageStartId);
        Assert.Equal((int)Cases["im_start_id"]!, tokenizer.BeginId);
        Assert.Equal((int)Cases["im_end_id"]!, tokenizer.EndId);
        Assert.Equal((int)Cases["eod_id"]!, tokenizer.EndOfSequence);
        Assert.All(((JObject)Cases["special_tokens"]!).Properties(), token =>
            Assert.Equal([(int)token.Value], tokenizer.EncodeParts(token.Name))
        );
    }

    [Fact]
    public void What_the_reference_refuses_is_refused()
    {
        Assert.NotEmpty(Cases["errors"]!);
        Assert.All(Cases["errors"]!, one => Assert.Throws<CoinException>(() => tokenizer.Encode((string)one["text"]!)));
    }

    [Fact]
    public void The_reference_s_evaluation_prompt_has_its_ids()
    {
        var prompts = new QwenVlPrompts(tokenizer, PromptKind.Reference);
        Assert.NotEmpty(Cases["eval_prompts"]!);
        foreach (var one in Cases["eval_prompts"]!)
        {
            var image = (string?)one["image"];
            var (question, pictures) = ((string)one["question"]!, image is null ? 0 : 1);
            Assert.Equal(
                ((string)one["prompt"]!).Replace($"<img>{image}</img>", "<img><image></img>"),
                prompts.EvaluationPrompt(question, pictures)
            );
            Assert.Equal(
                PromptFixtures.Ints(one["ids"]!),
                PictureIds.Expand(prompts.Evaluation(question, pictures), image is null ? [] : [image])
            );
        }
    }

    [Theory]
    [InlineData("IQ==\n", "line 1")]
    [InlineData("IQ== 1\n", "line 1")]
    [InlineData("?? 0\n", "line 1")]
    [InlineData("IQ== 0\n", "1 of the 256 single bytes")]
    public void A_damaged_vocabulary_is_refused_by_line(string text, string part)
    {
        File.WriteAllText(folder.Of("qwen.tiktoken"), text);
        Assert.Contains(part, Assert.Throws<CoinException>(() => QwenVlTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_token_that_stands_twice_is_refused()
    {
        File.Copy(GoldenFolder.Of("qwen-vl-tiny", "qwen.tiktoken"), folder.Of("qwen.tiktoken"));
        var count = File.ReadLines(folder.Of("qwen.tiktoken")).Count();
        File.AppendAllText(folder.Of("qwen.tiktoken"), $"IQ== {count}\n");
        Assert.Contains("twice", Assert.Throws<CoinException>(() => QwenVlTokenizer.Load(folder.Path)).Message, StringComparison.Ordinal);
    }
}
