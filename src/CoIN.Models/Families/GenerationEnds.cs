using CoIN.Benchmark;
using CoIN.Models.Settings;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Families;

/// <summary>The ids that end an answer.</summary>
internal static class GenerationEnds
{
    public const string FileName = "generation_config.json";

    /// <summary>What a folder's <c>generation_config.json</c> says, or else its <c>config.json</c>; none where neither does.</summary>
    /// <exception cref="CoinException">The file is missing or damaged.</exception>
    public static List<int> Read(string folder)
    {
        var generation = Path.Combine(folder, FileName);
        return SettingsFile.Values(File.Exists(generation) ? generation : Path.Combine(folder, "config.json"), (_, json) =>
            json["eos_token_id"] switch
            {
                JArray several => several.Select(id => (int)id).ToList(),
                null or { Type: JTokenType.Null } => [],
                var one => [(int)one],
            }
        );
    }
}
