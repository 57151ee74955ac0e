using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Protocol;

/// <summary>
/// What people's commands and a cluster's runs say to each other. All may come twice: a command that has no answer is given again.
/// </summary>
internal static class RunProtocol
{
    /// <summary>A message for, or about, one run.</summary>
    public interface IOfRun : IMessage
    {
        string RunId { get; }
    }

    /// <summary>Begin a run. Of a run that has begun with the same options, it is the question whether it has.</summary>
    /// <param name="Settings">The whole configuration as text, to be kept in the run's folder.</param>
    public sealed record Submit(string RunId, ExperimentOptions Options, string Settings) : IOfRun
    {
        /// <summary>The experiment that it is a run of; null for a run by itself.</summary>
        public ExperimentRecord? Experiment { get; init; }
    }

    /// <summary>Go on with a run that ended; of one that is under way, nothing.</summary>
    /// <param name="Redo">Whether what was lost of it is done again.</param>
    public sealed record Resume(string RunId, bool Redo) : IOfRun;

    /// <summary>Stop a run at its next resumable point.</summary>
    public sealed record StopRun(string RunId) : IOfRun;

    /// <summary>How does a run stand?</summary>
    public sealed record Look(string RunId) : IOfRun
    {
        /// <summary>Whether its experiment, which may be of many runs, is not asked for: by those who look again and again.</summary>
        public bool Briefly { get; init; }
    }

    /// <summary>Which runs are there?</summary>
    public sealed record ListRuns : IMessage;

    /// <summary>It is in the journal, and goes on whoever looks.</summary>
    /// <param name="RunFolder">On the node that drives it.</param>
    /// <param name="Node">That node.</param>
    public sealed record Accepted(string RunId, string RunFolder, string Node) : IOfRun;

    /// <summary>It cannot be done.</summary>
    /// <param name="Message">For people.</param>
    public sealed record RunRefused(string RunId, string Message) : IOfRun;

    /// <summary>How a run stands.</summary>
    /// <param name="Snapshot">Null where nothing has begun.</param>
    /// <param name="RunFolder">On the node that answers.</param>
    /// <param name="Node">That node.</param>
    public sealed record Looked(string RunId, RunSnapshot? Snapshot, string RunFolder, string Node) : IOfRun
    {
        /// <summary>The experiment that it is a run of; null for a run by itself, and where that was not asked for.</summary>
        public ExperimentRecord? Experiment { get; init; }

        /// <summary>
        /// Absolute path, on the node that answers, of the folder in which the runs of the experiment stand side by side since the run
        /// ended; null where that is not so, or not here.
        /// </summary>
        public string? Comparison { get; init; }
    }

    /// <summary>The runs whose folders a node sees.</summary>
    /// <param name="RunIds">The latest first.</param>
    /// <param name="Nodes">Of the cluster, by their names.</param>
    public sealed record Runs(IReadOnlyList<string> RunIds, IReadOnlyList<NodeState> Nodes) : IMessage;
}
