using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>
/// Conversations as Qwen2.5-VL's own template writes them (ChatML). The answers and the marks that end them are labelled. A picture stands
/// where its tag does; a question without tags has its pictures in front, each with a line end behind it, as in CoIN's training files.
/// </summary>
internal sealed class Qwen25VlPrompts(Qwen2Tokenizer tokenizer, ChatTemplate template, IReadOnlyList<int> ends) : IPrompts
{
    public const string Pad = "<|image_pad|>";
    private const string Start = "<|vision_start|>",
        End = "<|vision_end|>",
        VideoPad = "<|video_pad|>";

    /// <summary>Those of Qwen's own tokens that a vocabulary needs, in the order of their ids there.</summary>
    public static IReadOnlyList<string> Marks { get; } =
    ["<|endoftext|>", ChatTemplate.Begin, ChatTemplate.End, Start, End, "<|vision_pad|>", Pad, VideoPad];

    private readonly int pad = tokenizer.AddedId(Pad)!.Value;
    private readonly int end = tokenizer.AddedId(ChatTemplate.End)!.Value;

    /// <inheritdoc/>
    public int EndOfSequence => end;

    /// <inheritdoc/>
    public IReadOnlyCollection<int> FurtherEnds { get; } = ends;

    /// <summary>Whether a vocabulary has the marks of pictures.</summary>
    public static bool Fits(Qwen2Tokenizer tokenizer) => new[] { Pad, Start, End }.All(mark => tokenizer.AddedId(mark) is not null);

    /// <inheritdoc/>
    public TokenizedSample Training(TrainingSample sample)
    {
        var (ids, labels) = (new List<int>(), new List<int>());
        foreach (var message in Messages(sample))
        {
            var head = Ids($"{ChatTemplate.Begin}{message.Role}\n");
            var text = Ids(message.Content);
            ids.AddRange([.. head, .. text, end, .. Ids("\n")]);
            var learned = message.Role == "assistant";
            labels.AddRange(Enumerable.Repeat(SequenceBatch.Ignored, head.Count));
            labels.AddRange(text.Append(end).Select(id => learned && id != SequenceBatch.ImagePlaceholder ? id : SequenceBatch.Ignored));
            labels.AddRange(Enumerable.Repeat(SequenceBatch.Ignored, ids.Count - labels.Count));
        }

        return new TokenizedSample(ids, labels);
    }

    /// <inheritdoc/>
    public string TrainingPrompt(TrainingSample sample) => template.Write(Messages(sample), reply: false);

    /// <inheritdoc/>
    public IReadOnlyList<int> Evaluation(string question, int pictures) => Ids(EvaluationPrompt(question, pictures));

    /// <inheritdoc/>
    public string EvaluationPrompt(string question, int pictures)
    {
        var text = Checked(question, "A question");
        var tags = text.Split(PromptBuilder.ImageTag).Length - 1;
        var front = string.Concat(Enumerable.Repeat($"{PromptBuilder.ImageTag}\n", Math.Max(pictures - tags, 0)));
        return template.Write([new ChatMessage("user", WithPlaces(front + text, ref pictures))], reply: true);
    }

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids) => tokenizer.Decode(ids);

    /// <inheritdoc/>
    public string TokenText(int id) => tokenizer.Decode([id], skipSpecial: false);

    private List<ChatMessage> Messages(TrainingSample sample)
    {
        var left = sample.Images.Count;
        var messages = new List<ChatMessage>();
        foreach (var (place, turn) in sample.Conversations.Index())
        {
            var role = turn.From switch
            {
                "human" => "user",
                "gpt" => "assistant",
                "system" when place == 0 => "system",
                _ => null,
            };
            var expected = messages.Count == 0 || messages[^1].Role != "user" ? "user" : "assistant";
            if (role is null || (role != "system" && role != expected))
            {
                throw new CoinException(
                    $"Sample {sample.Id}: turn {place + 1} is from '{turn.From}' where '{(expected == "user" ? "human" : "gpt")}' has to speak. "
                        + "Mend the order of its conversations."
                );
            }

            messages.Add(new ChatMessage(role, WithPlaces(Checked(turn.Value, $"Sample {sample.Id}"), ref left)));
        }

        if (messages.Count > 0 && messages[0].Role != "system")
        {
            messages.Insert(0, new ChatMessage("system", template.DefaultSystem));
        }

        return messages;
    }

    /// <summary>A text whose tags became places of pictures.</summary>
    /// <param name="left">Pictures that have no place yet; tags beyond them are left out.</param>
    private static string WithPlaces(string text, ref int left)
    {
        var parts = text.Split(PromptBuilder.ImageTag);
        var result = new StringBuilder(parts[0]);
        foreach (var part in parts.Skip(1))
        {
            if (left > 0)
            {
                result.Append(Start).Append(Pad).Append(End);
                left--;
            }

            result.Append(part);
        }

        return result.ToString();
    }

    /// <summary>A text without marks of pictures: those would stand for pictures that the sample does not have.</summary>
    private static string Checked(string text, string where)
    {
        foreach (var mark in new[] { Pad, VideoPad, Start, End })
        {
            if (text.Contains(mark, StringComparison.Ordinal))
            {
                throw new CoinException(
                    $"{where}: its text has {mark}, which to Qwen2.5-VL is the mark of a picture. Write {PromptBuilder.ImageTag} for a picture, or take it out."
                );
            }
        }

        return text;
    }

    private List<int> Ids(string text) => [.. tokenizer.Encode(text).Select(id => id == pad ? SequenceBatch.ImagePlaceholder : id)];
}
