namespace CoIN.Benchmark.Published;

/// <summary>
/// The results of CoIN's authors: what their paper prints, and what their repository's history holds of the same runs. The numbers stand in
/// <c>published.json</c> beside this file, in the program itself.
/// </summary>
public static class PublishedResults
{
    /// <summary>The authors' repository and the states of it that were read.</summary>
    public const string Repository = "github.com/zackschen/CoIN (branch CoIN at 4122465)";

    /// <summary>The paper.</summary>
    public const string Paper =
        "Chen et al., CoIN: A Benchmark of Continual Instruction Tuning for Multimodal Large Language Models (NeurIPS 2024)";

    private static readonly Lazy<IReadOnlyList<PublishedResult>> Read = new(() =>
    {
        using var stream = typeof(PublishedResults).Assembly.GetManifestResourceStream("CoIN.Benchmark.published.json")!;
        using var reader = new StreamReader(stream);
        return PublishedFile.Parse(reader.ReadToEnd());
    });

    /// <summary>All, the main ones first.</summary>
    public static IReadOnlyList<PublishedResult> All => Read.Value;

    /// <summary>The result of a name.</summary>
    /// <exception cref="CoinException">There is none; the message names the nearest and all others.</exception>
    public static PublishedResult Of(string name) =>
        All.FirstOrDefault(result => result.Name == name)
        ?? throw new CoinException(
            $"There is no published result \"{name}\"; did you mean \"{NearestName.Of(name, All.Select(result => result.Name))}\"? "
                + $"There are {string.Join(", ", All.Select(result => result.Name))}. ./run.sh compare --published tells what they are."
        );
}
