using System.Globalization;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Sequences;

namespace CoIN.Models.Families.QwenVl;

/// <summary>
/// Conversations as Qwen-VL learns them (ChatML). The answers are labelled, and so are the marks at both ends of every turn and the line
/// end behind it, as in the reference. A picture stands as <c>Picture 1: &lt;img&gt;…&lt;/img&gt;</c> and a line end where its tag does.
/// <para>
/// The reference asks otherwise than it teaches: "System:… question Assistant:", and of the answer it cuts the first character off.
/// <see cref="PromptKind.Reference"/> does as it does.
/// </para>
/// </summary>
internal sealed class QwenVlPrompts(QwenVlTokenizer tokenizer, PromptKind evaluation) : IPrompts
{
    private const string SystemText = "You are a helpful assistant.";
    private const string User = "user",
        Assistant = "assistant";
    private const string Place = $"{QwenVlTokenizer.ImageStart}{PromptBuilder.ImageTag}{QwenVlTokenizer.ImageEnd}";

    private readonly int lineEnd = tokenizer.EncodeParts("\n")[0];

    /// <inheritdoc/>
    public int EndOfSequence => evaluation == PromptKind.Reference ? tokenizer.EndOfSequence : tokenizer.EndId;

    /// <inheritdoc/>
    public IReadOnlyCollection<int> FurtherEnds => evaluation == PromptKind.Reference ? [] : [tokenizer.EndOfSequence];

    /// <inheritdoc/>
    public TokenizedSample Training(TrainingSample sample)
    {
        var (ids, labels) = (new List<int>(), new List<int>());
        foreach (var (role, content) in Turns(sample))
        {
            var (head, text) = (Head(role), Ids(content, Pictures(sample) > 0));
            ids.AddRange([.. head, .. text, tokenizer.EndId, lineEnd]);
            labels.Add(tokenizer.BeginId);
            labels.AddRange(Enumerable.Repeat(SequenceBatch.Ignored, head.Count - 1));
            labels.AddRange(text.Select(id => role == Assistant && id != SequenceBatch.ImagePlaceholder ? id : SequenceBatch.Ignored));
            labels.AddRange([tokenizer.EndId, lineEnd]);
        }

        return new TokenizedSample(ids, labels);
    }

    /// <inheritdoc/>
    public string TrainingPrompt(TrainingSample sample) =>
        string.Concat(Turns(sample).Select(turn => $"{QwenVlTokenizer.Begin}{turn.Role}\n{turn.Content}{QwenVlTokenizer.End}\n"));

    /// <inheritdoc/>
    public IReadOnlyList<int> Evaluation(string question, int pictures)
    {
        if (evaluation == PromptKind.Reference)
        {
            return Ids(EvaluationPrompt(question, pictures), pictures > 0);
        }

        var content = Question(question, pictures);
        return
        [
            .. Head("system"),
            .. tokenizer.EncodeParts(SystemText),
            tokenizer.EndId,
            lineEnd,
            .. Head(User),
            .. Ids(content, pictures > 0),
            tokenizer.EndId,
            lineEnd,
            .. Head(Assistant),
        ];
    }

    /// <inheritdoc/>
    public string EvaluationPrompt(string question, int pictures) =>
        evaluation == PromptKind.Reference
            ? $"System:{SystemText}\n\n{string.Concat(Enumerable.Repeat(Place, pictures))}{Checked(question).Replace(PromptBuilder.ImageTag, "", StringComparison.Ordinal).Trim()} Assistant:"
            : $"{QwenVlTokenizer.Begin}system\n{SystemText}{QwenVlTokenizer.End}\n{QwenVlTokenizer.Begin}{User}\n{Question(question, pictures)}"
                + $"{QwenVlTokenizer.End}\n{QwenVlTokenizer.Begin}{Assistant}\n";

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids)
    {
        var text = tokenizer.Decode(ids);
        return evaluation != PromptKind.Reference || text.Length == 0 ? text : text[Rune.GetRuneAt(text, 0).Utf16SequenceLength..];
    }

    /// <inheritdoc/>
    /// <remarks>Spaces are seen, line ends do not break a line, and bytes that are no whole character stand as numbers.</remarks>
    public string TokenText(int id)
    {
        var text = tokenizer.Decode([id], skipSpecial: false);
        return text.Contains('\uFFFD', StringComparison.Ordinal) && tokenizer.BytesOf(id) is { Length: > 0 } bytes
            ? string.Concat(bytes.Select(value => $"<0x{value:X2}>"))
            : text.Replace(' ', '\u2581')
                .Replace("\n", "\\n", StringComparison.Ordinal)
                .Replace("\r", "\\r", StringComparison.Ordinal)
                .Replace("\t", "\\t", StringComparison.Ordinal);
    }

    private static int Pictures(TrainingSample sample) => sample.Images.Count;

    private static IEnumerable<(string Role, string Content)> Turns(TrainingSample sample)
    {
        yield return ("system", SystemText);
        var shown = 0;
        foreach (var turn in sample.Conversations.SkipWhile((turn, i) => i == 0 && turn.From != "human"))
        {
            var text = Checked(turn.Value, sample.Id);
            yield return (
                turn.From == "human" ? User : Assistant,
                Pictures(sample) > 0 ? WithPlaces(text, Pictures(sample), ref shown) : text
            );
        }
    }

    /// <summary>A question with its pictures where their tags are, or in front.</summary>
    private static string Question(string question, int pictures)
    {
        var text = Checked(question);
        var tags = text.Split(PromptBuilder.ImageTag).Length - 1;
        var shown = 0;
        var front = string.Concat(Enumerable.Repeat($"{PromptBuilder.ImageTag}\n", Math.Max(pictures - tags, 0)));
        return pictures == 0 ? text : WithPlaces(front + text, pictures, ref shown);
    }

    /// <summary>A text whose tags became places of pictures, each on a line of its own.</summary>
    /// <param name="pictures">That there are; further tags are left out.</param>
    /// <param name="shown">Pictures so far.</param>
    private static string WithPlaces(string text, int pictures, ref int shown)
    {
        var parts = text.Split(PromptBuilder.ImageTag);
        var result = new StringBuilder(parts[0]);
        foreach (var part in parts.Skip(1))
        {
            if (shown < pictures)
            {
                result.Append(CultureInfo.InvariantCulture, $"Picture {++shown}: {Place}").Append(part.StartsWith('\n') ? "" : "\n");
            }

            result.Append(part);
        }

        return result.ToString();
    }

    /// <summary>
    /// A text without marks of pictures: those that there are stand for pictures, and the sample would have none for them.
    /// </summary>
    private static string Checked(string text, string? sample = null)
    {
        foreach (var mark in new[] { QwenVlTokenizer.ImageStart, QwenVlTokenizer.ImageEnd, "<imgpad>" })
        {
            if (text.Contains(mark, StringComparison.Ordinal))
            {
                throw new CoinException(
                    $"{(sample is null ? "A question" : $"Sample {sample}")}: its text has {mark}, which to Qwen-VL is the mark of a picture. "
                        + $"Write {QwenVlTokenizer.ImageStart}path{QwenVlTokenizer.ImageEnd} in full, or take it out."
                );
            }
        }

        return text;
    }

    /// <summary>The beginning of a turn, up to its content.</summary>
    private List<int> Head(string role) => [tokenizer.BeginId, .. tokenizer.EncodeParts(role), lineEnd];

    private List<int> Ids(string text, bool hasPictures)
    {
        if (!hasPictures)
        {
            return tokenizer.EncodeParts(text);
        }

        var ids = new List<int>();
        var chunks = text.Split(PromptBuilder.ImageTag);
        for (var i = 0; i < chunks.Length; i++)
        {
            if (i > 0)
            {
                ids.Add(SequenceBatch.ImagePlaceholder);
            }

            ids.AddRange(tokenizer.EncodeParts(chunks[i]));
        }

        return ids;
    }
}
