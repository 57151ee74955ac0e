using CoIN.Benchmark;
using CoIN.Models.Families.Qwen2;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Support;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Tests.Families.Qwen2;

public sealed class Qwen2SettingsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_a_configuration_leaves_out_has_transformers_default()
    {
        Write("""{"model_type": "qwen2", "num_attention_heads": 8, "num_key_value_heads": 2}""");
        Assert.Equal(
            new DecoderConfig(4096, 22016, 32, 8, 2, 151936, 1e-6, 10000, 32768, false, AttentionBias: true),
            Qwen2Config.Read(folder.Path)
        );
    }

    [Theory]
    [InlineData("\"model_type\": \"llama\"", "model_type is llama")]
    [InlineData("\"use_sliding_window\": true", "use_sliding_window")]
    [InlineData("\"layer_types\": [\"full_attention\", \"sliding_attention\"]", "sliding_attention")]
    [InlineData("\"rope_scaling\": {\"type\": \"longrope\", \"factor\": 4.0}", "longrope")]
    [InlineData("\"num_key_value_heads\": 3", "num_key_value_heads")]
    [InlineData("\"hidden_size\": \"wide\"", "wrong kind")]
    public void What_is_not_supported_is_refused_with_the_file_and_the_value(string value, string message)
    {
        Write($$"""{"model_type": "qwen2", {{value}}}""");
        var error = Assert.Throws<CoinException>(() => Qwen2Config.Read(folder.Path)).Message;
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Contains(folder.Of("config.json"), error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>{% else %}<|im_start|>system\\nYou are Q.<|im_end|>",
        "You are Q."
    )]
    [InlineData("<|im_start|>{{ role }}", "You are a helpful assistant.")]
    public void The_default_system_message_is_that_of_the_model_s_template(string template, string system) =>
        Assert.Equal(system, ChatTemplate.Of(Vocabulary(template)).DefaultSystem);

    [Fact]
    public void A_model_without_ChatML_is_refused() =>
        Assert.Contains(
            "chat model",
            Assert.Throws<CoinException>(() => ChatTemplate.Of(Vocabulary("[INST]"))).Message,
            StringComparison.Ordinal
        );

    private static Qwen2Vocabulary Vocabulary(string template) =>
        new(
            new Dictionary<string, int>(),
            [],
            new Dictionary<string, int> { [ChatTemplate.Begin] = 0, [ChatTemplate.End] = 1 },
            template,
            "vocab.json"
        );

    private void Write(string config) => File.WriteAllText(folder.Of("config.json"), config);
}
