using CoIN.Benchmark.Data;
using CoIN.Benchmark.Instructions;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Building;

/// <summary>
/// <c>manifest.json</c> in a built task's folder: sources, settings, counts. No path or time of the machine is in it, so that the same
/// build writes the same bytes.
/// </summary>
internal static class BuildManifest
{
    /// <summary>The file's name, by which a folder is known to be built and may be replaced.</summary>
    public const string FileName = "manifest.json";

    /// <summary>The manifest's text.</summary>
    public static string Text(BuiltTask built, BuildOptions options, string imageFolder)
    {
        var manifest = new JObject
        {
            ["product"] = "CoIN.Actors",
            ["version"] = Version,
            ["task"] = built.Task,
            ["instructions"] = new JObject
            {
                ["type"] = InstructionTypes.NameOf(options.Instructions),
                ["wordings"] = new JArray(TaskInstructions.Of(options.Instructions, built.Task)),
            },
            ["seed"] = options.Seed,
            ["volume"] = options.Volume,
            ["testSamples"] = options.TestSamples,
            ["grouping"] = options.Grouping switch
            {
                QuestionGrouping.PerImage => "per-image",
                QuestionGrouping.OnePerImage => "one-per-image",
                _ => "each",
            },
            ["imageFolder"] = imageFolder,
            ["imagesChecked"] = options.Images is not null,
            ["sharedImagesKept"] = options.KeepSharedImages,
            ["sources"] = new JArray(
                built.Sources.Select(source => new JObject
                {
                    ["file"] = source.File,
                    ["bytes"] = source.Bytes,
                    ["sha256"] = source.Sha256,
                    ["kind"] = source.Listing ? "image names" : "file",
                })
            ),
            ["training"] = Split(built.Training),
            ["test"] = Split(built.Test),
            ["notes"] = new JArray(built.Notes),
        };
        return manifest.ToString(Formatting.Indented).ReplaceLineEndings("\n") + "\n";
    }

    private static string Version => typeof(BuildManifest).Assembly.GetName().Version!.ToString(3);

    private static JObject Split(BuiltSplit split) =>
        new()
        {
            ["file"] = split.File,
            ["sha256"] = split.Sha256,
            ["available"] = split.Available,
            ["samples"] = split.Samples,
            ["questions"] = split.Questions,
            ["images"] = split.Images,
            ["dropped"] = new JArray(
                split.Dropped.Select(dropped => new JObject
                {
                    ["reason"] = dropped.Reason,
                    ["count"] = dropped.Count,
                    ["first"] = dropped.First,
                })
            ),
        };
}
