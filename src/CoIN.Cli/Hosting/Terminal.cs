namespace CoIN.Cli.Hosting;

/// <summary>What the output is good for.</summary>
/// <param name="Live">A person watches: lines may be redrawn.</param>
/// <param name="ErrorColour">The error stream understands colours.</param>
/// <param name="Width">Columns.</param>
internal sealed record Terminal(bool Live, bool ErrorColour, int Width)
{
    private const int UsualWidth = 100;

    /// <summary>The output understands colours.</summary>
    public bool Colour { get; init; }

    /// <summary>Plain text of the usual width.</summary>
    public static Terminal Plain { get; } = new(Live: false, ErrorColour: false, UsualWidth);

    /// <summary>Looks at the process's streams and environment.</summary>
    public static Terminal Detect(Func<string, string?> variable, bool outIsTerminal, bool errorIsTerminal, Func<int> width)
    {
        var dumb = variable("TERM") is "dumb" || !string.IsNullOrEmpty(variable("CI"));
        var colour = string.IsNullOrEmpty(variable("NO_COLOR"));
        return new Terminal(outIsTerminal && !dumb, errorIsTerminal && !dumb && colour, outIsTerminal ? Measure(width) : UsualWidth)
        {
            Colour = outIsTerminal && !dumb && colour,
        };
    }

    private static int Measure(Func<int> width)
    {
        // A pseudo terminal may not know its size.
        try
        {
            return width() is > 20 and var columns ? columns : UsualWidth;
        }
        catch (IOException)
        {
            return UsualWidth;
        }
    }
}
