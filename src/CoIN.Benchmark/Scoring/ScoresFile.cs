using System.Text;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Scoring;

/// <summary>Both scores of one sample.</summary>
/// <param name="QuestionId">The test sample's id.</param>
/// <param name="Published">0 to 1 (0 to 10 where the rule is CIDEr) by the published rule; null where it does not count the sample.</param>
/// <param name="Corrected">The same by the corrected rule; null where that was not computed.</param>
public sealed record SampleScore(string QuestionId, double? Published, double? Corrected)
{
    /// <summary>The score of one kind.</summary>
    public double? Of(ScoringKind scoring) => scoring == ScoringKind.Published ? Published : Corrected;
}

/// <summary>
/// Scores as JSON lines, <c>{"question_id":"…","published":1.0,"corrected":0.0}</c>, in the order of the test file: UTF-8 without
/// byte-order mark, each line ended by a line feed. The same scores give the same bytes, so that the file's hash identifies them.
/// </summary>
public static class ScoresFile
{
    /// <summary>
    /// Puts the two scorings of a test set together, one line per sample. Where a rule counts several predictions for one question, further
    /// lines with its id follow; where it counts none, its score is null.
    /// </summary>
    /// <param name="questionIds">Ids of all samples in the order of the test file.</param>
    public static IReadOnlyList<SampleScore> Join(IEnumerable<string> questionIds, ScoredSet? published, ScoredSet? corrected)
    {
        var (first, second) = (ById(published), ById(corrected));
        var lines = new List<SampleScore>();
        foreach (var id in questionIds)
        {
            var (one, other) = (first[id].ToList(), second[id].ToList());
            for (var place = 0; place < Math.Max(1, Math.Max(one.Count, other.Count)); place++)
            {
                lines.Add(new SampleScore(id, At(one, place), At(other, place)));
            }
        }

        return lines;

        static ILookup<string, double> ById(ScoredSet? set) =>
            (set is null ? [] : set.QuestionIds.Zip(set.Scores)).ToLookup(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);

        static double? At(List<double> scores, int place) => place < scores.Count ? scores[place] : null;
    }

    /// <summary>Writes the file whole, replacing one that is there.</summary>
    /// <exception cref="CoinException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<SampleScore> scores) => Durable.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
            foreach (var score in scores)
            {
                writer.WriteLine(
                    $"{{\"question_id\":{JsonConvert.ToString(score.QuestionId)},\"published\":{Number(score.Published)},\"corrected\":{Number(score.Corrected)}}}"
                );
            }
        });

    /// <summary>Reads a scores file in its order; blank lines are passed over.</summary>
    /// <exception cref="CoinException">The file is missing, or a line holds no scores; the message names file and line.</exception>
    public static IReadOnlyList<SampleScore> Read(string path)
    {
        var scores = new List<SampleScore>();
        var number = 0;
        try
        {
            foreach (var line in Utf8Text.Lines(path))
            {
                number++;
                if (!string.IsNullOrWhiteSpace(line))
                {
                    scores.Add(Parse(path, number, line));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read the scores file {path}: {ReadFault.Why(path, e)}. Make it again with 'coin rescore'.", e);
        }

        return scores;
    }

    private static SampleScore Parse(string path, int number, string line)
    {
        try
        {
            using var reader = new JsonTextReader(new StringReader(line)) { DateParseHandling = DateParseHandling.None };
            var entry = JObject.Load(reader);
            return entry["question_id"] is JValue { Type: JTokenType.String } id
                ? new SampleScore((string)id!, Score(entry, "published"), Score(entry, "corrected"))
                : throw new JsonReaderException("\"question_id\" is missing or no text");
        }
        catch (JsonException e)
        {
            throw new CoinException($"{path}, line {number}: {e.Message.TrimEnd('.')}. Make the file again with 'coin rescore'.", e);
        }
    }

    private static double? Score(JObject entry, string key) =>
        entry[key] switch
        {
            { Type: JTokenType.Integer or JTokenType.Float } value when (double)value is >= 0 and <= ScoredSet.Highest => (double)value,
            { Type: JTokenType.Null } => null,
            _ => throw new JsonReaderException($"\"{key}\" is missing or no number from 0 to 10"),
        };

    private static string Number(double? value) => value is { } known ? JsonConvert.ToString(known) : "null";
}
