using System.Text.RegularExpressions;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families.MiniGptV2;

/// <summary>
/// Prompts, ids and labels as CoIN's MiniGPT-v2 code makes them: LLaMA-2's <c>[INST]</c>, each piece of text tokenized by itself, and a
/// place for a picture in every first turn: without a picture there is an empty one. Answers and <c>&lt;/s&gt;</c> are labelled.
/// </summary>
internal sealed partial class MiniGptPrompts(ITextTokenizer tokenizer) : IPrompts
{
    private const string Picture = "<ImageHere>";
    private const string Tag = "<image>\n";
    private const string Begin = "<s>";
    private const string End = "</s>";

    /// <summary>The piece with which the reference pads: it counts as special there, and so is left out of answers.</summary>
    private const string Pad = "$$";

    private readonly int pad = Enumerable.Range(0, tokenizer.PieceCount).FirstOrDefault(id => tokenizer.PieceText(id) == Pad, -1);

    /// <inheritdoc/>
    public bool AlwaysPictured => true;

    /// <inheritdoc/>
    public int EndOfSequence => tokenizer.EndOfSequence;

    /// <inheritdoc/>
    public TokenizedSample Training(TrainingSample sample)
    {
        var ids = new List<int> { tokenizer.BeginOfSequence };
        var labels = new List<int> { SequenceBatch.Ignored };
        foreach (var (prompt, answer) in Rounds(sample))
        {
            var asked = Tokens(prompt);
            var told = tokenizer.Encode(answer);
            ids.AddRange([.. asked, .. told]);
            labels.AddRange([.. Enumerable.Repeat(SequenceBatch.Ignored, asked.Count), .. told]);
        }

        return new TokenizedSample(ids, labels);
    }

    /// <inheritdoc/>
    public string? Remark(TrainingSample sample) =>
        sample is { UnpaddedBox: null, Image: not null, Conversations: [_, { Value: var answer }] } && Box().IsMatch(answer)
            ? "have a box for an answer and no origin_answer_bbox: the box is learned as it stands, which is right only if it is in parts "
                + "of the unpadded image"
            : null;

    /// <inheritdoc/>
    public string TrainingPrompt(TrainingSample sample) =>
        Begin + string.Concat(Rounds(sample).Select(round => round.Prompt + round.Answer));

    /// <inheritdoc/>
    public IReadOnlyList<int> Evaluation(string question, int pictures) => Prompt(FirstInput(PromptBuilder.OnePicture(question, pictures)));

    /// <inheritdoc/>
    public string EvaluationPrompt(string question, int pictures) => Begin + Wrapped(FirstInput(question));

    /// <summary>Ids of a question in the form that the reference's data sets give it (<c>text_input</c>).</summary>
    /// <remarks>One <c>&lt;s&gt;</c> is the text's own, one the tokenizer's.</remarks>
    public IReadOnlyList<int> Prompt(string input) => [tokenizer.BeginOfSequence, .. Tokens(Begin + Wrapped(input))];

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids)
    {
        var all = ids.ToList();
        var text = tokenizer.Decode((all is [0, ..] ? all[1..] : all).Where(id => id != pad));
        var end = text.IndexOf(End, StringComparison.Ordinal);
        return Strip(end < 0 ? text : text[..end]);
    }

    /// <inheritdoc/>
    public string TokenText(int id) => tokenizer.PieceText(id);

    [GeneratedRegex(@"^\s*\[\s*[\d.]+\s*(,\s*[\d.]+\s*){3}\]\s*$")]
    private static partial Regex Box();

    /// <summary>A first question with its picture.</summary>
    private static string FirstInput(string question) =>
        $"<Img>{Picture}</Img> {Strip(question.Replace(Tag, "", StringComparison.Ordinal))} ";

    private static string Wrapped(string input) => $"[INST] {input} [/INST]";

    /// <summary>Without what Python counts as spaces at both ends: four separators more than .NET does.</summary>
    private static string Strip(string text)
    {
        static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\u001C' and <= '\u001F';
        var (from, to) = (0, text.Length);
        while (from < to && IsSpace(text[from]))
        {
            from++;
        }

        while (from < to && IsSpace(text[to - 1]))
        {
            to--;
        }

        return text[from..to];
    }

    /// <summary>Prompts and answers in turn; the text in front of the first prompt's is the beginning of the sequence.</summary>
    private static IEnumerable<(string Prompt, string Answer)> Rounds(TrainingSample sample)
    {
        var turns = PromptBuilder.OnePicture(sample).Conversations;
        for (var i = 0; i + 1 < turns.Count; i += 2)
        {
            if (turns[i].From != "human" || turns[i + 1].From != "gpt")
            {
                throw new CoinException(
                    $"Sample {sample.Id}: turns {i + 1} and {i + 2} are from '{turns[i].From}' and '{turns[i + 1].From}' where 'human' and "
                        + "'gpt' have to speak. Mend the order of its conversations."
                );
            }

            // The model sees the picture as it is, not padded to a square.
            var answer = turns.Count == 2 && sample.UnpaddedBox is { } box ? box : turns[i + 1].Value;
            yield return (i == 0 ? Wrapped(FirstInput(turns[i].Value)) : Begin + Wrapped($"{turns[i].Value} "), answer + End);
        }
    }

    /// <summary>Ids of a text, each piece beside a picture by itself.</summary>
    private List<int> Tokens(string text)
    {
        var at = text.IndexOf(Picture, StringComparison.Ordinal);
        return at < 0
            ? tokenizer.Encode(text)
            : [.. tokenizer.Encode(text[..at]), SequenceBatch.ImagePlaceholder, .. tokenizer.Encode(text[(at + Picture.Length)..])];
    }
}
