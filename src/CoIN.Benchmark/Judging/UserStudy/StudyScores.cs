using System.Globalization;
using System.Text;
using CoIN.Benchmark.Files;

namespace CoIN.Benchmark.Judging.UserStudy;

/// <summary>One person's score of one answer, 0 to 10.</summary>
public sealed record StudyScore(string Study, string Rater, string Code, double Score);

/// <summary>Scores as CSV, <c>study,rater,sample,score</c>: what the page exports and the template asks for.</summary>
public static class StudyScores
{
    private const string Head = "study,rater,sample,score";

    /// <summary>A file to fill in by hand.</summary>
    public static string Template(Study study) =>
        string.Join('\n', study.Items.Select(item => $"{study.Id},,{item.Code},").Prepend(Head)) + "\n";

    /// <summary>Reads a file; lines without a score are passed over, and a rater who gave no name has the file's.</summary>
    /// <exception cref="CoinException">It is no such file, or a score is none; the message names file and line.</exception>
    public static IReadOnlyList<StudyScore> Read(string path)
    {
        string[] lines;
        try
        {
            lines = [.. Utf8Text.Lines(path)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read the scores {path}: {ReadFault.Why(path, e)}. Name a person's file of scores (CSV).", e);
        }

        // Spreadsheets of some countries separate by semicolons.
        var separator = lines.Length > 0 && lines[0].Contains(';', StringComparison.Ordinal) ? ';' : ',';
        if (lines.Length == 0 || !Fields(lines[0], separator).Take(4).SequenceEqual(Head.Split(',')))
        {
            throw new CoinException(
                $"{path}, line 1: the file must begin with {Head}. Export the scores from the study's page, or fill in its scores.csv."
            );
        }

        var scores = new List<StudyScore>();
        for (var number = 1; number < lines.Length; number++)
        {
            var fields = Fields(lines[number], separator);
            if (fields.Count < 4 || fields[3].Length == 0)
            {
                continue;
            }

            if (
                !double.TryParse(fields[3].Replace(',', '.'), NumberStyles.Float, CultureInfo.InvariantCulture, out var score)
                || score is not (>= 0 and <= 10)
            )
            {
                throw new CoinException(
                    $"{path}, line {number + 1}: the score of {fields[2]} is \"{fields[3]}\"; it must be a number from 0 to 10. Correct it."
                );
            }

            scores.Add(
                new StudyScore(fields[0], fields[1].Length > 0 ? fields[1] : Path.GetFileNameWithoutExtension(path), fields[2], score)
            );
        }

        return scores.Count > 0 ? scores : throw new CoinException($"{path} holds no scores. Fill in the last column.");
    }

    private static List<string> Fields(string line, char separator)
    {
        var (fields, field, quoted) = (new List<string>(), new StringBuilder(), false);
        foreach (var character in line.TrimStart('\uFEFF'))
        {
            if (character == '"')
            {
                quoted = !quoted;
            }
            else if (character == separator && !quoted)
            {
                fields.Add(field.ToString().Trim());
                field.Clear();
            }
            else
            {
                field.Append(character);
            }
        }

        fields.Add(field.ToString().Trim());
        return fields;
    }
}
