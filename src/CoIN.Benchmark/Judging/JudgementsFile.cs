using System.Globalization;
using System.Text;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Judging;

/// <summary>A judge's verdict on one answer.</summary>
/// <param name="QuestionId">The test sample's id.</param>
/// <param name="Reply">What the judge wrote.</param>
/// <param name="Published">Its score by the reference's rule; 0 where the reference cannot read it.</param>
/// <param name="Corrected">Its score by the corrected rule; null where the reply has none.</param>
public sealed record Judgement(string QuestionId, string Reply, double Published, double? Corrected)
{
    /// <summary>Of a reply without score: <see cref="JudgeReply.Finish"/>.</summary>
    public string? Finish { get; init; }

    /// <summary>A reply, read by both rules. Neither reads what the model thought before it.</summary>
    public static Judgement Of(string questionId, JudgeReply reply)
    {
        var spoken = reply.Spoken;
        var corrected = CorrectedReply.Score(spoken);
        return new Judgement(questionId, reply.Text, PublishedReply.Score(spoken) ?? 0, corrected)
        {
            Finish = corrected is null ? reply.Finish : null,
        };
    }
}

/// <summary>A cell's judgements as numbers.</summary>
/// <param name="Published">100 · Σ scores / (10 · samples), by the reference's rule.</param>
/// <param name="Corrected">Mean of the replies that have a score by the corrected rule, times 10; null if none has.</param>
/// <param name="Unparsable">Replies that have none.</param>
public sealed record JudgedScores(double Published, double? Corrected, int Samples, int Unparsable)
{
    /// <exception cref="ArgumentException">There are no judgements.</exception>
    public static JudgedScores Of(IReadOnlyCollection<Judgement> judgements) =>
        judgements.Count == 0
            ? throw new ArgumentException("there are no judgements", nameof(judgements))
            : new(
                PublishedReply.Percent([.. judgements.Select(one => (double?)one.Published)]),
                CorrectedReply.Percent([.. judgements.Select(one => one.Corrected)]),
                judgements.Count,
                judgements.Count(one => one.Corrected is null)
            );
}

/// <summary>
/// Judgements as JSON lines, <c>{"question_id","reply","published","corrected"}</c>, and <c>"finish"</c> where there is no score, in the
/// order of the predictions: the same replies give the same bytes.
/// </summary>
public static class JudgementsFile
{
    /// <summary>Writes the file whole, replacing one that is there.</summary>
    /// <exception cref="CoinException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<Judgement> judgements) => Durable.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
            foreach (var judgement in judgements)
            {
                writer.WriteLine(
                    $"{{\"question_id\":{JsonConvert.ToString(judgement.QuestionId)},\"reply\":{JsonConvert.ToString(judgement.Reply)},"
                        + $"\"published\":{Number(judgement.Published)},\"corrected\":{(judgement.Corrected is { } score ? Number(score) : "null")}"
                        + (judgement.Finish is { } finish ? $",\"finish\":{JsonConvert.ToString(finish)}}}" : "}")
                );
            }
        });

    /// <summary>Reads judgements in file order.</summary>
    /// <exception cref="CoinException">The file cannot be read, or a line is no judgement; the message names both.</exception>
    public static IReadOnlyList<Judgement> Read(string path)
    {
        var number = 0;
        try
        {
            var judgements = new List<Judgement>();
            foreach (var line in Utf8Text.Lines(path))
            {
                number++;
                using var reader = new JsonTextReader(new StringReader(line)) { DateParseHandling = DateParseHandling.None };
                var entry = JObject.Load(reader);
                judgements.Add(
                    new Judgement(
                        (string?)entry["question_id"] ?? throw new JsonReaderException("\"question_id\" is missing"),
                        (string?)entry["reply"] ?? "",
                        Score(entry, "published") ?? throw new JsonReaderException("\"published\" is missing"),
                        Score(entry, "corrected")
                    )
                    {
                        Finish = (string?)entry["finish"],
                    }
                );
            }

            return judgements;
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException)
        {
            throw new CoinException($"{path}, line {number}: {e.Message.TrimEnd('.')}. Judge the run again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot read the judgements {path}: {ReadFault.Why(path, e)}. Make the file readable, or judge the run again.",
                e
            );
        }
    }

    private static double? Score(JObject entry, string key) =>
        (double?)entry[key] is { } score
            ? double.IsFinite(score)
                ? score
                : throw new JsonReaderException($"\"{key}\" is no number")
            : null;

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
