namespace CoIN.Benchmark;

/// <summary>
/// What there is of a kind, by key. A program, or a test project, adds its own before a configuration or a journal names it.
/// </summary>
/// <param name="kind">What an entry is, in a word.</param>
/// <param name="keyOf">An entry's key; no two have the same.</param>
/// <param name="remedy">A sentence for who names what is not there; empty for none.</param>
/// <param name="known">The entries to begin with.</param>
public sealed class Registry<T>(string kind, Func<T, string> keyOf, string remedy, params IEnumerable<T> known)
    where T : class
{
    private readonly Lock gate = new();

    // Replaced as a whole: who reads meanwhile has the former ones.
    private volatile Dictionary<string, T> entries = known.ToDictionary(keyOf, StringComparer.Ordinal);

    /// <summary>All entries, in the order in which they were added.</summary>
    public IReadOnlyCollection<T> All => entries.Values;

    /// <summary>All keys.</summary>
    public IReadOnlyCollection<string> Keys => entries.Keys;

    /// <summary>Makes a further entry known.</summary>
    /// <exception cref="ArgumentException">Its key is taken.</exception>
    public void Add(T entry)
    {
        lock (gate)
        {
            entries = new Dictionary<string, T>(entries, StringComparer.Ordinal) { { keyOf(entry), entry } };
        }
    }

    /// <summary>The entry of a key.</summary>
    /// <exception cref="CoinException">There is none; the message names the nearest key and all others.</exception>
    public T Of(string key) =>
        entries.TryGetValue(key, out var entry)
            ? entry
            : throw new CoinException(
                $"There is no {kind} \"{key}\"; did you mean \"{NearestName.Of(key, Keys)}\"? The {kind}s are {string.Join(", ", Keys)}."
                    + (remedy.Length > 0 ? $" {remedy}" : "")
            );
}
