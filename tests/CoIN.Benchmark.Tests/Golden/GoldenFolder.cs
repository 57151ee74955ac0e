using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Golden;

/// <summary>The fixtures made by reference implementations: the folder in COIN_GOLDEN_DIR, else the repository's tests/golden.</summary>
internal static class GoldenFolder
{
    /// <summary>A fixture of the scoring folder, parsed; numbers stay as they are written.</summary>
    public static JObject Scoring(string file) => Read("scoring", file);

    /// <summary>Captions with their CIDEr-D scores.</summary>
    public static JObject Cider() => Read("cider", "cider.json");

    private static JObject Read(string folder, string file)
    {
        using var text = File.OpenText(Path.Combine(Root(), folder, file));
        using var reader = new Newtonsoft.Json.JsonTextReader(text) { DateParseHandling = Newtonsoft.Json.DateParseHandling.None };
        return JObject.Load(reader);
    }

    private static string Root()
    {
        if (Environment.GetEnvironmentVariable("COIN_GOLDEN_DIR") is { Length: > 0 } given)
        {
            return given;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "CoIN.Actors.sln")))
            {
                return Path.Combine(folder.FullName, "tests", "golden");
            }
        }

        throw new InvalidOperationException("The tests do not run inside the repository; set COIN_GOLDEN_DIR.");
    }
}
