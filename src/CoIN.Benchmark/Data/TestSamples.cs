using CoIN.Benchmark.Data.Reading;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Data;

/// <summary>Reads CoIN's <c>test.json</c>: a list of <c>{question_id, image?, text, answer, …}</c>.</summary>
public static class TestSamples
{
    /// <summary>Names under which a sample's id may stand.</summary>
    internal static readonly string[] IdKeys = ["question_id", "id"];

    /// <summary>Reads all test samples in file order.</summary>
    /// <exception cref="CoinException">The file or a sample in it cannot be used; the message names file, line and sample.</exception>
    public static IReadOnlyList<TestSample> Read(string path)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        return SampleFile.Read(path, IdKeys, entry =>
            ids.Add(entry.Id)
                ? ImageTags.Checked(entry, Sample(entry))
                : throw entry.Fault("has a question id that an earlier sample has too", "Give each question its own id")
        );
    }

    /// <summary>Makes a test sample of its entry.</summary>
    internal static TestSample Sample(SampleEntry entry)
    {
        var marked = new List<string>();
        var text = PathMarks.Read(entry.Text("text"), marked);
        var images = entry.Images(marked);
        if (images.Count <= 1 && text.Contains(ImageTags.Tag, StringComparison.Ordinal))
        {
            text = text.Replace(ImageTags.Tag, "", StringComparison.Ordinal).Trim();
        }

        var answers = Answers(entry);
        return new TestSample(entry.Id, images.Count == 0 ? null : images[0], text, SingleAnswer(entry) ?? MostFrequent(answers))
        {
            FurtherImages = images.Count > 1 ? [.. images.Skip(1)] : [],
            Answers = answers,
            Choices = OptionLines.Read(text) is { Count: var count and > 0 } ? count : null,
            Kind = entry["answer_type"] is JValue { Type: JTokenType.String } kind ? entry.Share((string)kind!) : null,
            Size = Size(entry),
            UnpaddedBox = entry["origin_answer_bbox"] is { } box ? Box(entry, "origin_answer_bbox", box) : null,
        };
    }

    private static string[] Answers(SampleEntry entry)
    {
        if (entry["answer_bbox"] is { } box)
        {
            return [Box(entry, "answer_bbox", box)];
        }

        // Where a file has both, as VQAv2 and VizWiz may, "answers" holds what all annotators said, and "answer" is the one that CoIN
        // compares with.
        var (key, value) = entry["answers"] is JArray { Count: > 0 } all ? ("answers", all) : ("answer", entry["answer"]);
        string[] answers = value switch
        {
            null => [],
            JArray list =>
            [
                .. list.Select((item, index) => entry.TextOrNumber($"{key}[{index}]", item is JObject one ? one["answer"] ?? item : item)),
            ],
            var one => [entry.TextOrNumber(key, one)],
        };

        // One of ten annotators may have written nothing; if all did, there is nothing to compare with.
        return answers.Any(answer => !string.IsNullOrWhiteSpace(answer))
            ? answers
            : throw entry.Fault("has no \"answer\"", "Add the reference answer", SampleFaultKind.EmptyAnswer);
    }

    private static string? SingleAnswer(SampleEntry entry) =>
        entry["answer"] is JValue one
        && entry["answer_bbox"] is null
        && entry.TextOrNumber("answer", one) is var text
        && !string.IsNullOrWhiteSpace(text)
            ? text
            : null;

    /// <summary>A box as text, <c>[x1, y1, x2, y2]</c>; some files have it as a list of numbers.</summary>
    internal static string Box(SampleEntry entry, string key, JToken value) =>
        value switch
        {
            { Type: JTokenType.String } when !string.IsNullOrWhiteSpace((string)value!) => (string)value!,
            JArray { Count: 4 } list => $"[{string.Join(", ", list.Select((item, index) => entry.TextOrNumber($"{key}[{index}]", item)))}]",
            _ => throw entry.Fault($"has a \"{key}\" that is no box", "Write it as \"[x1, y1, x2, y2]\"", SampleFaultKind.BadBox),
        };

    /// <summary>The answer that most annotators gave; among equals the one given first.</summary>
    private static string MostFrequent(string[] answers) =>
        answers
            .Where(answer => !string.IsNullOrWhiteSpace(answer))
            .GroupBy(answer => answer, StringComparer.Ordinal)
            .MaxBy(group => group.Count())!
            .Key;

    private static (double Width, double Height)? Size(SampleEntry entry)
    {
        switch (entry["size"])
        {
            case null:
                return null;
            case JArray { Count: 2 } list when list.All(item => item.Type is JTokenType.Integer or JTokenType.Float):
                var (width, height) = (list[0].ToObject<double>(), list[1].ToObject<double>());
                return width > 0 && height > 0 && double.IsFinite(width) && double.IsFinite(height)
                    ? (width, height)
                    : throw entry.Fault("has a \"size\" that is not positive", "Write width and height in pixels");
            case var other:
                throw entry.WrongType("size", other, "a list of width and height");
        }
    }
}
