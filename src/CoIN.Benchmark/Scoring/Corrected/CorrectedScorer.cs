using CoIN.Benchmark.Data;
using CoIN.Benchmark.Texts;

namespace CoIN.Benchmark.Scoring.Corrected;

/// <summary>
/// What the corrected rules have in common. Every sample counts, joined by id: the published rules divide by the number of predictions, so
/// that leaving a hard question out improves the score, and ImageNet's joins by line. Of several predictions for one question the last
/// counts, as a file that was appended to ends with the newest. An empty answer is wrong, as no question has an empty answer. Prediction
/// and truth are compared in one form of their characters (<see cref="CharacterForms"/>).
/// </summary>
internal abstract class CorrectedScorer(string key) : ITruthAlignmentScorer
{
    public string Key => key;

    public Pairing Pairing => Pairing.EachSample;

    public double Score(TestSample sample, string prediction) =>
        string.IsNullOrWhiteSpace(prediction) ? 0 : Compare(Folded(sample), CharacterForms.Fold(prediction));

    /// <summary>Score of a prediction that is not empty; the characters of both are folded already.</summary>
    /// <exception cref="CoinException">
    /// The sample's ground truth has not the form that the rule needs; the message names the question.
    /// </exception>
    protected abstract double Compare(TestSample sample, string prediction);

    /// <summary>
    /// A test sample with its question and answers in one form of their characters; the same object where they are so already.
    /// </summary>
    private static TestSample Folded(TestSample sample)
    {
        var (text, answer, answers) = (
            CharacterForms.Fold(sample.Text),
            CharacterForms.Fold(sample.Answer),
            sample.Answers.Select(CharacterForms.Fold).ToList()
        );
        var box = sample.UnpaddedBox is { } unpadded ? CharacterForms.Fold(unpadded) : null;
        return
            ReferenceEquals(text, sample.Text)
            && ReferenceEquals(answer, sample.Answer)
            && ReferenceEquals(box, sample.UnpaddedBox)
            && answers.Zip(sample.Answers).All(pair => ReferenceEquals(pair.First, pair.Second))
            ? sample
            : sample with
            {
                Text = text,
                Answer = answer,
                Answers = answers,
                UnpaddedBox = box,
            };
    }
}
