using CoIN.Benchmark;
using CoIN.Benchmark.Scoring;

namespace CoIN.Configuration;

/// <summary>The tasks that the reference configuration defines.</summary>
public static class TaskPresets
{
    /// <summary>Key of each task's scorer, by the task's name.</summary>
    public static IReadOnlyDictionary<string, string> Scorers { get; } = Read();

    /// <summary>The scorer that a task's name, in any case, or a scorer's own key means.</summary>
    /// <exception cref="CoinException">It is neither; the message lists both.</exception>
    public static string ScorerOf(string name)
    {
        var keys = Benchmark.Scoring.Scorers.Keys;
        return keys.Contains(name)
            ? name
            : Scorers.FirstOrDefault(preset => string.Equals(preset.Key, name, StringComparison.OrdinalIgnoreCase)).Value
                ?? throw new CoinException(
                    $"There is no task or scorer \"{name}\"; did you mean \"{NearestName.Of(name, Scorers.Keys.Concat(keys))}\"? "
                        + $"The tasks are {string.Join(", ", Scorers.Keys)}; the scorers are {string.Join(", ", keys)}."
                )
                {
                    ExitCode = CoinException.Usage,
                };
    }

    private static Dictionary<string, string> Read()
    {
        var coin = new Section("coin", (ObjectSetting)ConfigurationReference.Tree.Items["coin"], new Problems());
        var tasks = coin.Child("tasks");
        return tasks.Keys.ToDictionary(name => name, name => tasks.Child(name).Text("scorer", "vqav2"), StringComparer.Ordinal);
    }
}
