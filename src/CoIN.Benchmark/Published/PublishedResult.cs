namespace CoIN.Benchmark.Published;

/// <summary>One run of CoIN's authors, as far as its numbers are known.</summary>
/// <param name="Name">The name by which commands call it, e.g. <c>moelora-8</c>.</param>
/// <param name="Title">For headings.</param>
/// <param name="Setting">What the paper varies.</param>
/// <param name="Tasks">Names in the order of learning.</param>
/// <param name="Repository">The folder of its files in the authors' repository; null where the paper alone has it.</param>
/// <param name="Notes">What is to be known of the run as a whole.</param>
/// <param name="Measures">Truth Alignment first, then the judges; the first judge is the paper's main one where it is known.</param>
public sealed record PublishedResult(
    string Name,
    string Title,
    PublishedSetting Setting,
    IReadOnlyList<string> Tasks,
    string? Repository,
    IReadOnlyList<string> Notes,
    IReadOnlyList<PublishedMeasure> Measures
)
{
    /// <summary>Truth Alignment by the published rules.</summary>
    public PublishedMeasure Truth => Measures[0];

    /// <summary>Reasoning Capability, one for each judge.</summary>
    public IEnumerable<PublishedMeasure> Reasoning => Measures.Skip(1);

    /// <summary>Where its numbers stand: tables of the paper, folder of the repository.</summary>
    public string Source =>
        string.Join(
            "; ",
            [
                .. Measures.SelectMany(measure => measure.Printed).Select(print => print.Table).Distinct().OrderBy(int.Parse).ToList()
                    is { Count: > 0 } tables
                    ? [$"Table{(tables.Count > 1 ? "s" : "")} {string.Join(", ", tables)} of the paper"]
                    : Array.Empty<string>(),
                .. Repository is { } folder ? [$"{folder} of {PublishedResults.Repository}"] : Array.Empty<string>(),
            ]
        );
}
