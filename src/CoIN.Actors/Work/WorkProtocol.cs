using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Work;

/// <summary>
/// What supervisor, scheduler and workers say to each other. Messages hold data only; who is meant is the sender, so that all of them may cross nodes.
/// </summary>
internal static class WorkProtocol
{
    /// <summary>Marks messages that the wire serializer writes.</summary>
    public interface IMessage;

    /// <summary>A message about a work item.</summary>
    public interface IHasItem : IMessage
    {
        WorkItem Item { get; }

        /// <summary>The same message about another item.</summary>
        IHasItem WithItem(WorkItem item);
    }

    /// <summary>What a worker can do.</summary>
    public enum Skill
    {
        Train,
        Evaluate,
        Judge,
    }

    /// <summary>Worker to scheduler, again and again: here I am.</summary>
    public sealed record Register(Skill Skill, string Device) : IMessage;

    /// <summary>Scheduler to worker: known.</summary>
    public sealed record Registered : IMessage;

    /// <summary>Supervisor to scheduler: this has to be done.</summary>
    /// <param name="RunFolder">Absolute; workers share the file system with the supervisor.</param>
    public sealed record Offer(string RunId, string RunFolder, ExperimentOptions Options, WorkItem Item) : IHasItem
    {
        public IHasItem WithItem(WorkItem item) => this with { Item = item };
    }

    /// <summary>Supervisor to scheduler: forget this run's offers, and stop what is being done for it.</summary>
    public sealed record Withdraw(string RunId) : IMessage;

    /// <summary>Scheduler to worker, in the supervisor's name: do this and tell the sender.</summary>
    public sealed record Assignment(string RunId, string RunFolder, ExperimentOptions Options, WorkItem Item) : IHasItem
    {
        public IHasItem WithItem(WorkItem item) => this with { Item = item };
    }

    /// <summary>Scheduler to worker: stop at the next resumable point.</summary>
    public sealed record StopWork(string RunId) : IMessage;

    /// <summary>Worker to scheduler: ready for the next item.</summary>
    /// <param name="Failed">True where the last one failed, so that it may be offered once more.</param>
    public sealed record Free(bool? Failed = null) : IMessage;

    /// <summary>Worker to supervisor: which base model it has.</summary>
    public sealed record ModelLoaded(string Sha256) : IMessage;

    public sealed record TrainingProgressed(TrainingProgress Progress) : IMessage;

    /// <param name="Task">0-based place of the task in the order.</param>
    public sealed record EvaluationProgressed(int Stage, int Task, int Shard, int Answered) : IMessage;

    /// <param name="Judged">Answers of the cell that have their mark.</param>
    public sealed record JudgingProgressed(int Stage, int Task, string Judge, int Judged) : IMessage;

    public sealed record JudgementsWritten(
        JudgeCell Cell, double Published, double? Corrected, int Samples, int Unparsable, string File, string Sha256) : IMessage
    {
        public IReadOnlyList<UnscoredReplies>? Unscored { get; init; }
    }

    /// <summary>Worker to supervisor: the file is whole; write the event.</summary>
    public sealed record CheckpointWritten(int Stage, int Step, string Folder, string Sha256) : IMessage;

    public sealed record AdapterWritten(
        TrainStage Stage, string Folder, string AdapterSha256, string? ProjectorSha256, int Steps, double FinalLoss, long Tokens, double Seconds) : IMessage
    {
        public string? FolderSha256 { get; init; }
    }

    public sealed record ShardWritten(AnswerShard Shard, string File, string Sha256, int Samples, double Seconds) : IMessage;

    public sealed record CellWritten(ScoreCell Cell, double Accuracy, int Samples, string File, string Sha256) : IMessage
    {
        public double? Corrected { get; init; }

        public int? CorrectedSamples { get; init; }

        public string? ScoresFile { get; init; }

        public string? ScoresSha256 { get; init; }
    }

    /// <summary>Worker (or scheduler, for what nobody had begun) to supervisor: stopped as asked.</summary>
    public sealed record WorkStopped(WorkItem Item) : IHasItem
    {
        public IHasItem WithItem(WorkItem item) => new WorkStopped(item);
    }

    /// <summary>Worker to supervisor: this cannot be done.</summary>
    /// <param name="Message">For people.</param>
    public sealed record WorkFailed(WorkItem Item, string Message) : IHasItem
    {
        public IHasItem WithItem(WorkItem item) => this with { Item = item };
    }
}
