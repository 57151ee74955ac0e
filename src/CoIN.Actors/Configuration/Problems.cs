using CoIN.Benchmark;

namespace CoIN.Actors.Configuration;

/// <summary>Everything that is wrong with a configuration, so that its writer can mend it all in one go.</summary>
internal sealed class Problems
{
    private readonly List<string> _found = [];

    public void Add(string problem)
    {
        // A key may be read for two purposes; its fault is told once.
        if (!_found.Contains(problem))
        {
            _found.Add(problem);
        }
    }

    /// <exception cref="CoinException">There is a problem; the message lists all of them.</exception>
    public void ThrowIfAny(string what)
    {
        switch (_found.Count)
        {
            case 0:
                return;
            case 1:
                throw new CoinException($"{what}: {_found[0]}");
            default:
                throw new CoinException($"{what} has {_found.Count} problems:\n"
                    + string.Join('\n', _found.Select(problem => "  - " + problem)));
        }
    }
}
