using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring.Published;

namespace CoIN.Benchmark.Scoring.Corrected;

/// <summary>
/// MLLM-CL's science task: lists of states by the states in common over all that either lists, so that naming every state is not right;
/// the other answers equal in the form of <see cref="AnswerText"/>, MapQA's held as whole words.
/// </summary>
internal sealed class ScienceListScorer(string key) : CorrectedScorer(key)
{
    protected override double Compare(TestSample sample, string prediction)
    {
        if (MllmClScienceScorer.IsExact(sample))
        {
            return AnswerText.Normalize(prediction) == AnswerText.Normalize(sample.Answer) ? 1 : 0;
        }

        if (!MllmClScienceScorer.IsList(sample))
        {
            return AnswerText.ContainsWords(AnswerText.Normalize(prediction), AnswerText.Normalize(sample.Answer)) ? 1 : 0;
        }

        var (wanted, listed) = (States(sample.Answer), States(prediction));
        return wanted.Intersect(listed).Count() / (double)wanted.Union(listed).Count();
    }

    private static HashSet<string> States(string list) =>
        [.. list.Split(',').Where(state => !string.IsNullOrWhiteSpace(state)).Select(AnswerText.Normalize)];
}
