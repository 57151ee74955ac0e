using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Sequences;

/// <summary>A sample as token ids.</summary>
/// <param name="Ids">Ids with <see cref="SequenceBatch.ImagePlaceholder"/> for each picture.</param>
/// <param name="Labels">As long; <see cref="SequenceBatch.Ignored"/> where nothing is learned.</param>
internal sealed record TokenizedSample(IReadOnlyList<int> Ids, IReadOnlyList<int> Labels);

/// <summary>
/// Prompts, ids and labels as CoIN's LLaVA code makes them: only the answers and what ends them are labelled. A sample whose rounds do not
/// add up to the length of its whole (an answer that contains a separator, say) is masked as a whole, as there.
/// </summary>
internal sealed class PromptBuilder(ITextTokenizer tokenizer, ConversationTemplate template, int maxLength) : IPrompts
{
    /// <summary>What stands for a picture in a text.</summary>
    public const string ImageTag = "<image>";

    /// <inheritdoc/>
    public int EndOfSequence => tokenizer.EndOfSequence;

    /// <summary>A sample for a model that takes one picture.</summary>
    /// <exception cref="CoinException">It has more.</exception>
    public static TrainingSample OnePicture(TrainingSample sample) =>
        sample.FurtherImages.Count == 0
            ? sample
            : throw new CoinException(
                $"Sample {sample.Id} has {sample.Images.Count} images, and the model takes one. Leave the sample out, or take a model that takes several."
            );

    /// <inheritdoc cref="OnePicture(TrainingSample)"/>
    public static string OnePicture(string question, int pictures) =>
        pictures <= 1
            ? question
            : throw new CoinException(
                $"A question shows {pictures} images, and the model takes one: '{question}'. Leave the sample out, or take a model that takes several."
            );

    /// <summary>
    /// Ids and labels of a training sample. Samples of text alone are cut to the longest length here; others after their pictures are
    /// expanded.
    /// </summary>
    /// <exception cref="CoinException">Its turns do not alternate.</exception>
    public TokenizedSample Training(TrainingSample sample)
    {
        var prompt = TrainingPrompt(OnePicture(sample));
        var hasImage = sample.Image is not null;
        var ids = Tokens(prompt, hasImage);
        if (!hasImage && ids.Count > maxLength)
        {
            ids.RemoveRange(maxLength, ids.Count - maxLength);
        }

        return new TokenizedSample(ids, Labels(prompt, ids, hasImage));
    }

    /// <inheritdoc/>
    public string TrainingPrompt(TrainingSample sample)
    {
        var turns = sample.Conversations.SkipWhile((turn, i) => i == 0 && turn.From != "human").ToList();
        for (var i = 0; i < turns.Count; i++)
        {
            var expected = i % 2 == 0 ? "human" : "gpt";
            if (turns[i].From != expected)
            {
                throw new CoinException(
                    $"Sample {sample.Id}: turn {i + 1} is from '{turns[i].From}' where '{expected}' has to speak. Mend the order of its conversations."
                );
            }
        }

        return template.Render(
            turns.Select(turn => (turn.From == "human", (string?)(sample.Image is null ? turn.Value : WithTagInFront(turn.Value))))
        );
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> Evaluation(string question, int pictures) =>
        Tokens(EvaluationPrompt(OnePicture(question, pictures), pictures), hasImage: true);

    /// <inheritdoc/>
    public string EvaluationPrompt(string question, int pictures) =>
        template.Render([(true, pictures > 0 ? $"{ImageTag}\n{question}" : question), (false, null)]);

    /// <inheritdoc/>
    public string Decode(IEnumerable<int> ids) => tokenizer.Decode(ids);

    /// <inheritdoc/>
    public string TokenText(int id) => tokenizer.PieceText(id);

    /// <summary>However often and wherever the tag stands in a turn, it is moved to the front once.</summary>
    private static string WithTagInFront(string text) =>
        text.Contains(ImageTag, StringComparison.Ordinal)
            ? $"{ImageTag}\n{text.Replace(ImageTag, "", StringComparison.Ordinal).Trim()}".Trim()
            : text;

    private List<int> Tokens(string text, bool hasImage)
    {
        var ids = new List<int> { tokenizer.BeginOfSequence };
        if (!hasImage)
        {
            ids.AddRange(tokenizer.Encode(text));
            return ids;
        }

        var chunks = text.Split(ImageTag);
        for (var i = 0; i < chunks.Length; i++)
        {
            if (i > 0)
            {
                ids.Add(SequenceBatch.ImagePlaceholder);
            }

            ids.AddRange(tokenizer.Encode(chunks[i]));
        }

        return ids;
    }

    private List<int> Labels(string prompt, List<int> ids, bool hasImage)
    {
        var labels = new List<int>(ids);
        void Mask(int from, int to)
        {
            for (var i = from; i < Math.Min(to, labels.Count); i++)
            {
                labels[i] = SequenceBatch.Ignored;
            }
        }

        Mask(0, 1);
        var at = 1;
        foreach (var round in prompt.Split(template.AnswerEnd))
        {
            var parts = round.Split(template.AnswerMark);
            if (round.Length == 0 || parts.Length != 2)
            {
                break;
            }

            // Less <s>, and less the lone space piece that the mark ends with when it stands alone.
            var instruction = Tokens(parts[0] + template.AnswerMark, hasImage).Count - 2;
            Mask(at, at + instruction);

            // <s> in front of the round counts for the </s> behind it.
            at += Tokens(round, hasImage).Count;
        }

        Mask(at, labels.Count);

        // The unknown id is also the reference's padding id and does not count there.
        if (at < maxLength && at != ids.Count(id => id != tokenizer.Unknown))
        {
            Mask(0, labels.Count);
        }

        return labels;
    }
}
