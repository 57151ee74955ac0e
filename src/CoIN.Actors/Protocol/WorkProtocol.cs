using Akka.Actor;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Steps;
using Newtonsoft.Json;

namespace CoIN.Actors.Protocol;

/// <summary>
/// What supervisor, scheduler and workers say to each other. Messages hold data only; who is meant is the sender, so that all of them may
/// cross nodes.
/// </summary>
/// <remarks>
/// Any message may come late, twice or never, and each of the three may end and begin anew. So nothing is begun before the supervisor has
/// let one worker begin it, whatever a worker says bears the turn that it was let begin, and what has no answer is said again.
/// </remarks>
internal static class WorkProtocol
{
    /// <summary>Between two repetitions of whatever has no answer yet.</summary>
    public static readonly TimeSpan RepeatEvery = TimeSpan.FromSeconds(2);

    /// <summary>Marks log lines that say what a run's snapshots say too: people who are told of these need not read them twice.</summary>
    public const string Narrated = "Narrated";

    /// <summary>Marks messages that the wire serializer writes.</summary>
    public interface IMessage;

    /// <summary>A message about a work item.</summary>
    public interface IHasItem : IMessage
    {
        /// <summary>Null where there is none.</summary>
        WorkItem? Item { get; }

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

    /// <summary>Worker to scheduler, again and again and after each change: here I am, and this is what I do.</summary>
    /// <param name="Turn">What is in work; null when free.</param>
    /// <param name="Last">What was in work before.</param>
    /// <param name="Item">The item in work; null where it has been said before.</param>
    public sealed record Register(Skill Skill, string Device, Turn? Turn = null, Turn? Last = null, WorkItem? Item = null) : IHasItem
    {
        /// <summary>Samples that an evaluator has answered of what is in work, or of what was where it is free.</summary>
        [JsonProperty(DefaultValueHandling = DefaultValueHandling.Ignore)]
        public int Answered { get; init; }

        /// <summary>All samples of it; 0 where that is not known, or of other work.</summary>
        [JsonProperty(DefaultValueHandling = DefaultValueHandling.Ignore)]
        public int Of { get; init; }

        public IHasItem WithItem(WorkItem item) => this with { Item = item };
    }

    /// <summary>Scheduler to worker: what is this that you do?</summary>
    public sealed record SayItem(Turn Turn) : IMessage;

    /// <summary>Supervisor to scheduler: this has to be done. Said again until a worker asks to begin.</summary>
    /// <param name="RunFolder">Absolute; workers share the file system with the supervisor.</param>
    /// <param name="Options">Null where <see cref="OptionsKey"/> stands for them.</param>
    public sealed record Offer(Turn Turn, string RunFolder, ExperimentOptions? Options, WorkItem Item) : IHasItem
    {
        /// <summary>Names the options by their content.</summary>
        public string? OptionsKey { get; init; }

        /// <summary>The run's: work of a higher one comes first.</summary>
        [JsonProperty(DefaultValueHandling = DefaultValueHandling.Ignore)]
        public int Priority { get; init; }

        /// <summary>Workers, by <see cref="WorkProtocol.PathOf"/>, at which it failed: others are to try; null for none.</summary>
        public IReadOnlyList<string>? Not { get; init; }

        public IHasItem WithItem(WorkItem item) => this with { Item = item };
    }

    /// <summary>Supervisor to scheduler, until it is acknowledged: forget this run's offers.</summary>
    public sealed record Withdraw(string RunId) : IMessage;

    /// <summary>Scheduler to supervisor: forgotten.</summary>
    public sealed record Withdrawn(string RunId) : IMessage;

    /// <summary>Scheduler to worker, in the supervisor's name: ask the sender whether you may do this.</summary>
    /// <param name="Options">
    /// They do not travel where <see cref="OptionsKey"/> stands for them: the worker then asks the supervisor, once for each key.
    /// </param>
    public sealed record Assignment(Turn Turn, string RunFolder, ExperimentOptions Options, WorkItem Item) : IHasItem
    {
        /// <summary>As in <see cref="Offer.OptionsKey"/>.</summary>
        public string? OptionsKey { get; init; }

        public IHasItem WithItem(WorkItem item) => this with { Item = item };
    }

    /// <summary>Worker to supervisor, before it asks to begin: I lack the options with which this is to be done.</summary>
    public sealed record WhichOptions(Turn Turn) : IMessage;

    /// <summary>Supervisor to worker: these are they.</summary>
    public sealed record OptionsOf(Turn Turn, string Key, ExperimentOptions Options) : IMessage;

    /// <summary>Worker to supervisor: may I begin this, or go on with it?</summary>
    public sealed record MayBegin(Turn Turn) : IMessage
    {
        /// <summary>Whether a supervisor before had let it begin the work, with which it goes on.</summary>
        [JsonProperty(DefaultValueHandling = DefaultValueHandling.Ignore)]
        public bool GoesOn { get; init; }
    }

    /// <summary>
    /// Supervisor to worker: yes, and nobody else. Said again from time to time: a worker that does not have the turn says that it is lost.
    /// </summary>
    public sealed record Begin(Turn Turn) : IMessage;

    /// <summary>Supervisor to worker: this turn is not yours. Leave it without a trace.</summary>
    public sealed record Refused(Turn Turn) : IMessage;

    /// <summary>Supervisor to worker: stop at the next resumable point. Said again until it is answered.</summary>
    public sealed record StopWork(Turn Turn) : IMessage;

    /// <summary>Supervisor to worker: the turn's end is in the journal.</summary>
    public sealed record Acknowledged(Turn Turn) : IMessage;

    /// <summary>
    /// Supervisor to a worker of a host with its own files: this checkpoint of yours is here and in the journal, earlier ones are of no use
    /// any more.
    /// </summary>
    public sealed record Kept(Turn Turn, string Folder) : IMessage;

    /// <summary>Scheduler or worker to supervisor: nobody does this any more.</summary>
    public sealed record WorkLost(Turn Turn) : IMessage;

    /// <summary>Supervisor to scheduler, again and again: the run is mine. Said after the first offers.</summary>
    /// <param name="Turn">What was given before it was given by supervisors that are gone.</param>
    public sealed record Supervises(Turn Turn) : IMessage;

    /// <summary>Scheduler to supervisor, in the worker's name: it still has a turn that a supervisor gave which is gone.</summary>
    public sealed record StillHas(Turn Turn, WorkItem Item) : IHasItem
    {
        public IHasItem WithItem(WorkItem item) => this with { Item = item };
    }

    /// <summary>
    /// Scheduler to supervisor, in the worker's name: an idle one would do all of it far sooner than this one does the rest.
    /// </summary>
    /// <param name="Left">Seconds that it still needs here, at least.</param>
    /// <param name="Anew">Seconds that it needs elsewhere.</param>
    public sealed record TooSlow(Turn Turn, double Left, double Anew) : IMessage;

    /// <summary>Scheduler to supervisor: there are workers of its kind, and it failed at each of them.</summary>
    public sealed record NobodyCan(Turn Turn) : IMessage;

    /// <summary>Scheduler to supervisor: the offer asks for more trainers than there are, be they free or not.</summary>
    /// <param name="Trainers">How many there are.</param>
    public sealed record TooFewTrainers(Turn Turn, int Trainers) : IMessage;

    /// <summary>Supervisor to the trainers of a team but the first: there is rank 0. Said again from time to time.</summary>
    public sealed record Meet(Turn Turn, LinkAddress Address) : IMessage;

    /// <summary>Where a team's rank 0 waits for the others.</summary>
    /// <param name="Process">Names its process: within it no socket is needed.</param>
    /// <param name="Host">Null where nobody from outside can come.</param>
    /// <param name="Key">Whoever shows it is of the team.</param>
    public sealed record LinkAddress(string Process, string? Host, int Port, string Key);

    /// <summary>A worker as every node calls it.</summary>
    public static string PathOf(IActorRef worker) => Akka.Serialization.Serialization.SerializedActorPath(worker);

    /// <summary>What a worker tells the supervisor about a turn.</summary>
    public abstract record WorkReport : IMessage
    {
        /// <summary>Set by the worker when it is told.</summary>
        public Turn Turn { get; init; } = Turn.None;
    }

    /// <summary>Which base model the worker has.</summary>
    public sealed record ModelLoaded(string Sha256) : WorkReport;

    /// <summary>Rank 0 of a team waits for the others.</summary>
    public sealed record LinksOpened(LinkAddress Address) : WorkReport;

    public sealed record TrainingProgressed(TrainingProgress Progress) : WorkReport;

    /// <param name="Task">0-based place of the task in the order.</param>
    public sealed record EvaluationProgressed(int Stage, int Task, int Shard, int Answered) : WorkReport;

    /// <param name="Judged">Answers of the cell that have their mark.</param>
    public sealed record JudgingProgressed(int Stage, int Task, string Judge, int Judged) : WorkReport;

    /// <summary>The folder is whole; write the event.</summary>
    public sealed record CheckpointWritten(int Stage, int Step, string Folder, string Sha256) : WorkReport
    {
        /// <summary>The held-out samples' loss at this step; null where none was taken.</summary>
        public ValidationPoint? Validation { get; init; }
    }

    /// <summary>The end of a turn, said again until it is acknowledged.</summary>
    public abstract record Outcome : WorkReport;

    public sealed record JudgementsWritten(
        JudgeCell Cell,
        double Published,
        double? Corrected,
        int Samples,
        int Unparsable,
        string File,
        string Sha256
    ) : Outcome
    {
        public IReadOnlyList<UnscoredReplies>? Unscored { get; init; }
    }

    public sealed record AdapterWritten(
        TrainStage Stage,
        string Folder,
        string AdapterSha256,
        string? ProjectorSha256,
        int Steps,
        double FinalLoss,
        long Tokens,
        double Seconds
    ) : Outcome
    {
        public string? FolderSha256 { get; init; }

        public Computation? Computation { get; init; }

        /// <summary>The held-out samples' loss at the end; null where none was taken.</summary>
        public ValidationPoint? Validation { get; init; }
    }

    public sealed record ShardWritten(AnswerShard Shard, string File, string Sha256, int Samples, double Seconds) : Outcome
    {
        public Computation? Computation { get; init; }
    }

    public sealed record CellWritten(ScoreCell Cell, double Accuracy, int Samples, string File, string Sha256) : Outcome
    {
        public double? Corrected { get; init; }

        public int? CorrectedSamples { get; init; }

        public string? ScoresFile { get; init; }

        public string? ScoresSha256 { get; init; }
    }

    /// <summary>A trainer of a team but the first has done its shares of all steps.</summary>
    public sealed record SharesTrained : Outcome;

    /// <summary>
    /// Handed back at a resumable point: as asked, because the worker's node ends, or because others without whom it cannot be done are
    /// lost.
    /// </summary>
    public sealed record WorkStopped : Outcome
    {
        /// <summary>Why another trainer of the team is lost, as seen from here; null where nothing is lost.</summary>
        public string? Reason { get; init; }
    }

    /// <summary>The checkpoint from which this was to go on is missing or damaged, as seen from here.</summary>
    /// <param name="Reason">For people.</param>
    public sealed record CheckpointLost(int Stage, string Folder, string Reason) : Outcome;

    /// <summary>This cannot be done.</summary>
    /// <param name="Message">For people.</param>
    public sealed record WorkFailed(string Message) : Outcome;
}
