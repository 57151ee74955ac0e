using System.Text;
using System.Text.RegularExpressions;
using CoIN.Benchmark;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Sequences;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">system, user or assistant.</param>
internal sealed record ChatMessage(string Role, string Content);

/// <summary>Qwen's conversations as text (ChatML).</summary>
internal sealed partial class ChatTemplate
{
    public const string Begin = "<|im_start|>";
    public const string End = "<|im_end|>";
    private const string UsualSystem = "You are a helpful assistant.";

    private ChatTemplate(string defaultSystem) => DefaultSystem = defaultSystem;

    /// <summary>What a conversation without system message begins with.</summary>
    public string DefaultSystem { get; }

    /// <summary>The template of a model, whose default system message is that of its own Jinja template.</summary>
    /// <exception cref="CoinException">The model's template, or its vocabulary, is not ChatML.</exception>
    public static ChatTemplate Of(Qwen2Vocabulary vocabulary)
    {
        if (
            !vocabulary.Added.ContainsKey(Begin)
            || !vocabulary.Added.ContainsKey(End)
            || vocabulary.ChatTemplate?.Contains(Begin, StringComparison.Ordinal) == false
        )
        {
            throw new CoinException(
                $"The tokenizer of {vocabulary.Source} has no ChatML conversations ({Begin} and {End} in tokenizer_config.json). Use a chat model, e.g. Qwen1.5-7B-Chat, with all of its files."
            );
        }

        var named = SystemPattern().Match(vocabulary.ChatTemplate ?? "");
        return new ChatTemplate(named.Success ? named.Groups[1].Value : UsualSystem);
    }

    /// <summary>Writes a conversation.</summary>
    /// <param name="reply">Whether it ends with the beginning of the assistant's reply.</param>
    public string Write(IReadOnlyList<ChatMessage> messages, bool reply)
    {
        var text = new StringBuilder();
        void Append(string role, string content) => text.Append(Begin).Append(role).Append('\n').Append(content).Append(End).Append('\n');
        if (messages.Count > 0 && messages[0].Role != "system")
        {
            Append("system", DefaultSystem);
        }

        foreach (var message in messages)
        {
            Append(message.Role, message.Content);
        }

        return reply ? text.Append(Begin).Append("assistant\n").ToString() : text.ToString();
    }

    // A message between quotation marks is an expression of the template, not its text.
    [GeneratedRegex(@"<\|im_start\|>system(?:\n|\\n)([^'""<{}]*)<\|im_end\|>")]
    private static partial Regex SystemPattern();
}
