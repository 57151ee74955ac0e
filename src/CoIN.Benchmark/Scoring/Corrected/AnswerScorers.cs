using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Scoring.Corrected;

/// <summary>
/// Right if equal to one of the reference answers, white space at the ends aside. For tasks of one's own whose answers have one spelling.
/// </summary>
internal sealed class ExactScorer(string key) : CorrectedScorer(key)
{
    protected override double Compare(TestSample sample, string prediction) =>
        sample.Answers.Any(answer => answer.Trim() == prediction.Trim()) ? 1 : 0;
}

/// <summary>
/// Right if equal to one of the reference answers in the form of <see cref="AnswerText"/>. GQA: the published rule normalises the
/// prediction only, so that an answer with a capital can never be met. OCR-VQA: the published rule calls every answer with "Unanswerable"
/// wrong, even where that is the truth. Both ask for a single word or phrase: a sentence that holds the answer stays wrong.
/// </summary>
internal sealed class NormalizedScorer(string key) : CorrectedScorer(key)
{
    protected override double Compare(TestSample sample, string prediction)
    {
        var given = AnswerText.Normalize(prediction);
        return sample.Answers.Any(answer => AnswerText.Normalize(answer) == given) ? 1 : 0;
    }
}

/// <summary>
/// Right if the prediction holds one of the reference answers as whole words, both in the form of <see cref="AnswerText"/>. ImageNet: the
/// published rule takes parts of words, in either direction, so that "a", "rat" for "Ferrat" or nothing at all is right; it is
/// case-sensitive, and it needs all synonyms of a label at once.
/// </summary>
/// <param name="synonyms">Whether commas in an answer separate synonyms of which one is enough, as in ImageNet's labels.</param>
internal sealed class ContainsScorer(string key, bool synonyms) : CorrectedScorer(key)
{
    protected override double Compare(TestSample sample, string prediction)
    {
        var given = AnswerText.Normalize(prediction);
        return sample
            .Answers.SelectMany(answer => synonyms ? answer.Split(',', StringSplitOptions.TrimEntries) : [answer])
            .Where(answer => !string.IsNullOrWhiteSpace(answer))
            .Any(answer => AnswerText.ContainsWords(given, AnswerText.Normalize(answer)))
            ? 1
            : 0;
    }
}

/// <summary>
/// Soft accuracy over ten human answers (Antol et al. 2015), all in the form of <see cref="AnswerText"/>: each answer in turn is left out,
/// the prediction earns min(1, n / 3) for n of the other nine that equal it, and the score is the mean. VQAv2 and VizWiz are defined so,
/// but the published rule takes one answer and its exact spelling. Where a test file has not ten answers, an answer that equals one of them
/// is right.
/// </summary>
internal sealed class VqaScorer(string key) : CorrectedScorer(key)
{
    private const int Annotators = 10;

    protected override double Compare(TestSample sample, string prediction)
    {
        var given = AnswerText.Normalize(prediction);
        var count = sample.Answers.Count(answer => AnswerText.Normalize(answer) == given);
        if (sample.Answers.Count != Annotators)
        {
            return count > 0 ? 1 : 0;
        }

        // Left out in turn: one of the answers that equal it, or one of those that do not.
        return ((count * Math.Min(1, (count - 1) / 3.0)) + ((Annotators - count) * Math.Min(1, count / 3.0))) / Annotators;
    }
}
