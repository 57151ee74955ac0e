namespace CoIN.Benchmark;

/// <summary>
/// Everything that is wrong with an experiment, so that its writer can mend it all in one go. Checks of configuration, data, model and
/// judge note here what they find; what rests on something that was found wrong is not checked.
/// </summary>
public sealed class Problems
{
    private readonly List<(string Text, string? Key)> found = [];

    /// <summary>How many there are.</summary>
    public int Count => found.Count;

    /// <summary>The sentences, in the order in which they were found.</summary>
    public IReadOnlyList<string> Texts => [.. found.Select(problem => problem.Text)];

    /// <summary>Notes a problem.</summary>
    /// <param name="problem">A sentence for people: what is wrong, where, and what to do.</param>
    /// <param name="key">The configuration's key that is to blame, in full (<c>coin.model.path</c>); null for none.</param>
    public void Add(string problem, string? key = null)
    {
        // A key may be read for two purposes; its fault is told once.
        if (!found.Exists(known => known.Text == problem))
        {
            found.Add((problem, key));
        }
    }

    /// <summary>Whether a key, or one below it, was found wrong.</summary>
    public bool Concern(string key) =>
        found.Exists(known =>
            known.Key is { } wrong
            && wrong.StartsWith(key, StringComparison.Ordinal)
            && (wrong.Length == key.Length || wrong[key.Length] == '.')
        );

    /// <summary>Checks something and notes its fault.</summary>
    /// <returns>Whether it is right.</returns>
    public bool Try(Action check, string? key = null)
    {
        try
        {
            check();
            return true;
        }
        catch (CoinException fault)
        {
            Add(fault.Message, key);
            return false;
        }
    }

    /// <summary>Reads something that other checks need and notes its fault.</summary>
    /// <returns>What was read; null where it could not be.</returns>
    public T? Try<T>(Func<T> read, string? key = null)
        where T : class
    {
        T? result = null;
        _ = Try(
            () =>
            {
                result = read();
            },
            key
        );
        return result;
    }

    /// <exception cref="CoinException">There is a problem; the message lists all of them.</exception>
    public void ThrowIfAny(string what)
    {
        switch (found.Count)
        {
            case 0:
                return;
            case 1:
                throw new CoinException($"{what}: {found[0].Text}");
            default:
                throw new CoinException(
                    $"{what} has {found.Count} problems:\n"
                        + string.Join('\n', found.Select(problem => "  - " + problem.Text.ReplaceLineEndings("\n    ")))
                );
        }
    }
}
