using CoIN.Benchmark.Scoring;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Reports.Results;

/// <summary>A judge's score of one sample, as a line of a judgements file has it.</summary>
/// <param name="Published">0 to 10 by the reference's rule.</param>
/// <param name="Corrected">0 to 10 by the corrected rule; null where the reply holds no score.</param>
internal sealed record JudgedScore(string QuestionId, double Published, double? Corrected)
{
    /// <summary>The score as a part of 1.</summary>
    public double? Part(ScoringKind scoring) =>
        (scoring == ScoringKind.Published ? Published : Corrected) is { } score ? Math.Clamp(score / 10, 0, 1) : null;

    /// <summary>The score of 0 to 10.</summary>
    public double? Of(ScoringKind scoring) => scoring == ScoringKind.Published ? Published : Corrected;
}

/// <summary>Reads the scores in a judgements file: lines of <c>{"question_id","reply","published","corrected"}</c>.</summary>
internal static class JudgedScores
{
    /// <exception cref="CoinException">The file cannot be read, or a line holds no scores.</exception>
    public static IReadOnlyList<JudgedScore> Read(string path)
    {
        var number = 0;
        try
        {
            var scores = new List<JudgedScore>();
            foreach (var line in File.ReadLines(path))
            {
                number++;
                if (!string.IsNullOrWhiteSpace(line))
                {
                    using var reader = new JsonTextReader(new StringReader(line)) { DateParseHandling = DateParseHandling.None };
                    var entry = JObject.Load(reader);
                    scores.Add(new JudgedScore(
                        (string?)entry["question_id"] ?? throw new JsonReaderException("\"question_id\" is missing"),
                        (double?)entry["published"] ?? throw new JsonReaderException("\"published\" is missing"),
                        (double?)entry["corrected"]));
                }
            }

            return scores;
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
        {
            throw new CoinException($"{path}, line {number}: {e.Message.TrimEnd('.')}. Judge the run again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read the judgements {path}: {e.Message.TrimEnd('.')}. Make the file readable, or judge the run again.", e);
        }
    }
}
