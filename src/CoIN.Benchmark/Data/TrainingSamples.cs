using CoIN.Benchmark.Data.Reading;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Data;

/// <summary>Reads CoIN's <c>train.json</c>: a list of <c>{id, image?, conversations: [{from, value}, …]}</c>.</summary>
public static class TrainingSamples
{
    /// <summary>Names under which a sample's id may stand.</summary>
    internal static readonly string[] IdKeys = ["id", "question_id"];

    /// <summary>Reads all training samples in file order.</summary>
    /// <exception cref="CoinException">The file or a sample in it cannot be used; the message names file, line and sample.</exception>
    public static IReadOnlyList<TrainingSample> Read(string path) =>
        SampleFile.Read(path, IdKeys, entry => ImageTags.Checked(entry, Sample(entry)));

    /// <summary>Makes a training sample of its entry.</summary>
    internal static TrainingSample Sample(SampleEntry entry)
    {
        var id = entry.Id;
        if (entry["conversations"] is not { } conversations)
        {
            throw entry.Fault("has no \"conversations\"", "Add its turns");
        }

        if (conversations is not JArray turns)
        {
            throw entry.WrongType("conversations", conversations, "a list of turns");
        }

        if (turns.Count == 0)
        {
            throw entry.Fault("has an empty list of \"conversations\"", "Add its turns");
        }

        var marked = new List<string>();
        var read = Turns(entry, turns, marked);
        var images = entry.Images(marked);
        return new TrainingSample(id, images.Count == 0 ? null : images[0], read)
        {
            FurtherImages = images.Count > 1 ? [.. images.Skip(1)] : [],
            UnpaddedBox = entry["origin_answer_bbox"] is { } box ? TestSamples.Box(entry, "origin_answer_bbox", box) : null,
        };
    }

    private static Turn[] Turns(SampleEntry entry, JArray list, List<string> marked)
    {
        var turns = list.Select((item, index) => ReadTurn(entry, item, index, marked)).ToArray();
        if (turns.Length % 2 != 0)
        {
            throw entry.Fault(
                "has no answer to the last human turn of its \"conversations\"",
                "Add the answer",
                SampleFaultKind.EmptyAnswer
            );
        }

        return turns;
    }

    private static Turn ReadTurn(SampleEntry entry, JToken item, int index, List<string> marked)
    {
        var key = $"conversations[{index}]";
        if (item is not JObject turn)
        {
            throw entry.WrongType(key, item, "an object {from, value}");
        }

        var from = turn["from"] switch
        {
            { Type: JTokenType.String } role => Role((string)role!),
            _ => null,
        };
        var wanted = index % 2 == 0 ? "human" : "gpt";
        if (from != wanted)
        {
            throw entry.Fault(
                $"has the \"from\" {turn["from"]?.ToString(Newtonsoft.Json.Formatting.None) ?? "(none)"} in {key} where \"{wanted}\" is wanted",
                "Let human (user) and gpt (assistant) take turns, human first"
            );
        }

        return turn["value"] switch
        {
            { Type: JTokenType.String } value when wanted == "gpt" && string.IsNullOrWhiteSpace((string)value!) => throw entry.Fault(
                $"has an empty answer in {key}",
                "Add the answer",
                SampleFaultKind.EmptyAnswer
            ),
            { Type: JTokenType.String } value => new Turn(from, entry.Share(PathMarks.Read((string)value!, marked))),
            null or { Type: JTokenType.Null } => throw entry.Fault($"has no \"value\" in {key}", "Add the text of the turn"),
            var other => throw entry.WrongType(key + ".value", other, "text"),
        };
    }

    private static string? Role(string name) =>
        name.ToLowerInvariant() switch
        {
            "human" or "user" => "human",
            "gpt" or "assistant" => "gpt",
            _ => null,
        };
}
