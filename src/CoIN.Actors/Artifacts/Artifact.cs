namespace CoIN.Actors.Artifacts;

/// <summary>A file or folder of a run that the run's journal names by its hash.</summary>
/// <param name="Path">Below the run's folder.</param>
/// <param name="Sha256">Of the file; of a folder, over its files (<see cref="CoIN.Benchmark.Files.Durable.Sha256OfFolder"/>).</param>
internal sealed record Artifact(string Path, string Sha256, bool IsFolder)
{
    /// <summary>
    /// Files that go with it and that the journal does not name: they come from the node that gives it, as far as they are there.
    /// </summary>
    public IReadOnlyList<string> Beside { get; init; } = [];
}

/// <summary>An artifact that no node gave.</summary>
/// <param name="Reason">What each of them said; a sentence without its stop.</param>
internal sealed record Unfetched(Artifact Artifact, string Reason);
