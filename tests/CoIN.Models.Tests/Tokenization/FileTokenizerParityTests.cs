using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Tokenization;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tests.Tokenization;

/// <summary>A <c>tokenizer.json</c> gives the ids and texts of Hugging Face's <c>tokenizers</c>, whichever rules it holds.</summary>
[Trait("Category", "Parity")]
public sealed class FileTokenizerParityTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Folders =>
        [
            .. Directory
                .EnumerateDirectories(GoldenFolder.Root)
                .Where(path =>
                    File.Exists(Path.Combine(path, "tokenizer_cases.json")) && File.Exists(Path.Combine(path, "model", "tokenizer.json"))
                )
                .Select(path => Path.GetFileName(path))
                .Order(StringComparer.Ordinal),
        ];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_text_has_the_reference_s_ids_and_decoding(string name)
    {
        var tokenizer = FileTokenizer.Load(GoldenFolder.Of(name, "model"));
        foreach (var one in Cases(name))
        {
            List<int> ids = [tokenizer.BeginOfSequence, .. tokenizer.Encode((string)one["text"]!)];
            Assert.Equal(PromptFixtures.Ints(one["ids"]!), ids);
            Assert.Equal((string)one["decoded"]!, tokenizer.Decode(ids, skipSpecial: false));
            Assert.Equal((string)one["decoded_skip_special"]!, tokenizer.Decode(ids));
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Other_rules_over_the_same_vocabulary_are_followed(string name)
    {
        foreach (var rules in Directory.EnumerateFiles(GoldenFolder.Of(name, "tokenizers"), "*.json"))
        {
            var json = GoldenFolder.Json(name, "model", "tokenizer.json");
            foreach (var (key, value) in JObject.Parse(File.ReadAllText(rules)))
            {
                json[key] = value;
            }

            File.WriteAllText(folder.Of("tokenizer.json"), json.ToString());
            var tokenizer = FileTokenizer.Load(folder.Path);
            foreach (var one in Cases(name))
            {
                List<int> ids = [tokenizer.BeginOfSequence, .. tokenizer.Encode((string)one["text"]!)];
                Assert.Equal(PromptFixtures.Ints(one[$"ids_{Path.GetFileNameWithoutExtension(rules)}"]!), ids);
            }
        }
    }

    private static IEnumerable<JToken> Cases(string name) => PromptFixtures.Read(name, "tokenizer_cases.json")["cases"]!;
}
