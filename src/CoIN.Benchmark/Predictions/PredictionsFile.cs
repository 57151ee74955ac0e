using System.Text;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Predictions;

/// <summary>
/// Predictions as JSON lines, <c>{"question_id":"…","text":"…"}</c>: UTF-8 without byte-order mark, each line ended by a line feed. The
/// same predictions give the same bytes, so that the file's hash identifies them.
/// </summary>
public static class PredictionsFile
{
    /// <summary>Writes the file whole, replacing one that is there.</summary>
    /// <exception cref="CoinException">The file cannot be written.</exception>
    public static void Write(string path, IEnumerable<Prediction> predictions) => Durable.Write(path, stream =>
        {
            // Models can emit halves of surrogate pairs; the replacement character stands for them, as UTF-8 has no form for them.
            using var writer = new StreamWriter(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
            foreach (var prediction in predictions)
            {
                writer.Write("{\"question_id\":");
                writer.Write(JsonConvert.ToString(prediction.QuestionId));
                writer.Write(",\"text\":");
                writer.Write(JsonConvert.ToString(prediction.Text));
                writer.WriteLine('}');
            }
        });

    /// <summary>Reads a predictions file in its order; blank lines are passed over.</summary>
    /// <exception cref="CoinException">The file is missing, or a line is no prediction; the message names file and line.</exception>
    public static IReadOnlyList<Prediction> Read(string path)
    {
        var predictions = new List<Prediction>();
        var number = 0;
        try
        {
            foreach (var line in Utf8Text.Lines(path))
            {
                number++;
                if (!string.IsNullOrWhiteSpace(line))
                {
                    predictions.Add(Parse(path, number, line));
                }
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CoinException(
                $"The predictions file {path} does not exist. Check the path, or evaluate the task again (of a run: ./run.sh resume <run> --redo).",
                e
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read the predictions file {path}: {ReadFault.Why(path, e)}. Name a file of JSON lines.", e);
        }

        return predictions;
    }

    private static Prediction Parse(string path, int number, string line)
    {
        try
        {
            using var reader = new JsonTextReader(new StringReader(line)) { DateParseHandling = DateParseHandling.None };
            if (JToken.Load(reader) is not JObject entry || reader.Read())
            {
                throw Faulty(path, number, "the line is not one JSON object", null);
            }

            // Predictions of the reference's own scripts have numbers for ids.
            return new Prediction(
                entry["question_id"] is JValue { Type: JTokenType.String or JTokenType.Integer } id
                    ? Convert.ToString(id.Value, System.Globalization.CultureInfo.InvariantCulture)!
                    : throw Faulty(path, number, "\"question_id\" is missing or neither text nor a whole number", null),
                entry["text"] is JValue { Type: JTokenType.String } text
                    ? (string)text!
                    : throw Faulty(path, number, "\"text\" is missing or no text", null)
            );
        }
        catch (JsonException e)
        {
            throw Faulty(path, number, e.Message.TrimEnd('.'), e);
        }
    }

    private static CoinException Faulty(string path, int number, string fault, Exception? inner) =>
        new(
            $"{path}, line {number}: {fault}. A line is {{\"question_id\":\"…\",\"text\":\"…\"}}; mend it, or evaluate the task again "
                + "(of a run: ./run.sh resume <run> --redo).",
            inner
        );
}
