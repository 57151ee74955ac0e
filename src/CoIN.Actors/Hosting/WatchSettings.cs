namespace CoIN.Actors.Hosting;

/// <summary>What a process writes for programs that look on; none of it changes a number.</summary>
public sealed record WatchSettings
{
    /// <summary>Whether event files for TensorBoard are kept in the run's folder.</summary>
    public bool Tensorboard { get; init; }
}
