using CoIN.Benchmark;

namespace CoIN.Cli.Commands;

/// <summary>Names that <c>coin.data.prepare</c> may have.</summary>
internal static class Preparations
{
    public const string Mini = "mini";

    /// <exception cref="CoinException">There is no such preparation.</exception>
    public static void Check(string name)
    {
        if (name != Mini)
        {
            throw new CoinException($"coin.data.prepare is {name}; this program can make the data of '{Mini}' only. Leave the key out to use data of your own.");
        }
    }
}
