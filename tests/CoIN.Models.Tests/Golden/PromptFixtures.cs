using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tests.Golden;

/// <summary>Every golden folder that has the form of <c>llava-prompts</c>: a tokenizer with the ids that it must give.</summary>
internal static class PromptFixtures
{
    public static TheoryData<string> Folders() =>
        [
            .. Directory
                .EnumerateDirectories(GoldenFolder.Root)
                .Where(folder =>
                    new[] { "tokenizer.model", "strings.json", "train.json", "eval.json", "collate.json" }.All(name =>
                        File.Exists(Path.Combine(folder, name))
                    )
                )
                .Select(folder => Path.GetFileName(folder))
                .Order(StringComparer.Ordinal),
        ];

    public static JToken Read(string folder, string file)
    {
        using var reader = new JsonTextReader(File.OpenText(GoldenFolder.Of(folder, file))) { DateParseHandling = DateParseHandling.None };
        return JToken.ReadFrom(reader);
    }

    public static List<int> Ints(JToken token) => [.. token.Select(value => (int)value)];
}
