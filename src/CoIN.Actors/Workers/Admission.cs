using System.Diagnostics;
using CoIN.Actors.Artifacts;
using CoIN.Actors.Journal;
using CoIN.Actors.Protocol;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using Newtonsoft.Json;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Workers;

/// <summary>
/// What a worker looks at before it begins. A message may come from anybody who reaches the node, so it is believed only where it says what
/// the run's own journal says, and the journal only in a folder where this process's runs are: no key is sent, and nothing read or written,
/// on a stranger's word.
/// </summary>
internal sealed class Admission
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan BetweenReads = TimeSpan.FromSeconds(1);

    // The supervisor, whose node has everything, may just be moving to another one.
    private static readonly TimeSpan FetchPatience = TimeSpan.FromMinutes(1);

    private readonly IReadOnlySet<string> folders;
    private readonly bool below;
    private readonly Lock looking = new();
    private readonly GivenFiles files;
    private readonly OwnRuns? own;
    private readonly HashSet<string> made = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunState> known = new(StringComparer.Ordinal);

    private Admission(IEnumerable<string> folders, bool below, OwnRuns? own, LocalPaths? paths)
    {
        (this.folders, this.below, this.own) = (folders.Select(Trimmed).ToHashSet(StringComparer.Ordinal), below, own);
        files = new GivenFiles(own?.Hashes ?? new FileHashes(), paths ?? LocalPaths.Same);
    }

    /// <summary>Whether other processes may work for the same runs: then what a turn writes bears its name.</summary>
    public bool IsShared => below;

    /// <summary>Work of some runs only.</summary>
    public static Admission OnlyTo(params IEnumerable<string> runFolders) => new(runFolders, below: false, null, null);

    /// <summary>Work of every run whose folder lies directly below a folder.</summary>
    /// <param name="paths">Where this node has what runs name; null where they say.</param>
    public static Admission ToRunsIn(string runsFolder, LocalPaths? paths = null) => new([runsFolder], below: true, null, paths);

    /// <summary>Work of every run of the cluster, in folders that are this node's own.</summary>
    /// <param name="paths">As in <see cref="ToRunsIn"/>.</param>
    public static Admission ToRunsOf(OwnRuns own, LocalPaths? paths = null) => new([], below: true, own, paths);

    /// <summary>Whether files are this node's own, and come from others where they are needed.</summary>
    public bool HasOwnFolder => own is not null;

    /// <summary>Where the run of an assignment is on this node.</summary>
    /// <exception cref="CoinException">It names no run.</exception>
    public string FolderOf(Assignment assignment) => own?.Of(assignment.Turn.RunId) ?? assignment.RunFolder;

    /// <summary>Checks an assignment against the journal of its run.</summary>
    /// <returns>What is wrong with the checkpoint to go on from; null where nothing is.</returns>
    /// <exception cref="CoinException">It is not what the run's supervisor would give; the message says in what.</exception>
    public string? Check(Assignment assignment)
    {
        var runFolder = Trimmed(FolderOf(assignment));
        if (own is null && ((below ? Path.GetDirectoryName(runFolder) : runFolder) is not { } place || !folders.Contains(place)))
        {
            throw Refused(
                assignment,
                $"{assignment.RunFolder} is not "
                    + (
                        below ? $"in {folders.First()}, where this node's runs are"
                        : folders.Count == 1 ? $"the folder {folders.First()} of the run that this process drives"
                        : "the folder of a run that this process drives"
                    )
            );
        }

        foreach (var path in MessagePaths.Of(assignment.Item))
        {
            _ = InnerPath.Of(runFolder, path);
        }

        // A run's settings never change while it is driven, so its journal is read again only where it seems to say something else.
        var difference = Last(runFolder) is { } last ? Difference(last, assignment) : "";
        if (difference is not null && (difference = Difference(Look(runFolder, assignment), assignment)) is not null)
        {
            throw Refused(assignment, difference);
        }

        return below ? RequireFiles(runFolder, assignment) : null;
    }

    /// <summary>Makes sure that the base model of this node is the one that other nodes have.</summary>
    /// <exception cref="CoinException">It is another one.</exception>
    public void CheckBase(Assignment assignment, string sha256)
    {
        if (below && Last(Trimmed(FolderOf(assignment))) is { } state)
        {
            files.RequireBase(state, sha256);
        }
    }

    /// <summary>What other hosts are told of a fault at this one.</summary>
    public string Told(string fault, Assignment assignment) => below ? files.Told(fault, assignment.Options) : fault;

    /// <summary>Other hosts wrote what is given, and the data of this one may be others than theirs.</summary>
    private string? RequireFiles(string runFolder, Assignment assignment)
    {
        var (state, item) = (Last(runFolder)!, assignment.Item);
        if (RunArtifacts.For(item, state) is null)
        {
            // It was written since the journal was read here.
            state = Look(runFolder, assignment);
            if (own is not null)
            {
                RunFiles.DeleteSpent(runFolder, state, _ => { });
            }
        }

        return (own is null ? null : Fetch(own, state, assignment)) ?? files.Require(runFolder, state, item);
    }

    /// <summary>Brings what the work needs; the worker's thread waits for it.</summary>
    /// <returns>Why the checkpoint to go on from did not come.</returns>
    private string? Fetch(OwnRuns own, RunState state, Assignment assignment)
    {
        var runId = assignment.Turn.RunId;
        lock (made)
        {
            if (made.Add(runId))
            {
                own.BringLooseAsync(runId, [], CancellationToken.None).GetAwaiter().GetResult();
            }
        }

        var lost = own.BringAsync(runId, RunArtifacts.For(assignment.Item, state) ?? [], null, FetchPatience, CancellationToken.None)
            .GetAwaiter()
            .GetResult();
        return lost.Count == 0 ? null
            : lost.FirstOrDefault(one => assignment.Item is TrainStage train && one.Artifact.Path == train.Checkpoint) is { } checkpoint
                ? $"On {Environment.MachineName}, the checkpoint {checkpoint.Artifact.Path} of run {runId} cannot be fetched: {checkpoint.Reason}"
            : throw new CoinException(
                $"On {Environment.MachineName}, {lost[0].Artifact.Path} of run {runId} cannot be fetched from any node: {lost[0].Reason}. See that the nodes reach each other at "
                    + "their coin.node.file-port; then resume the run."
            );
    }

    /// <summary>In what an assignment differs from its run's journal; null where it does not.</summary>
    private static string? Difference(RunState state, Assignment assignment)
    {
        if (state.Started!.RunId != assignment.Turn.RunId)
        {
            return $"its folder holds the run {state.Started.RunId}";
        }

        if (Text(state.Options with { Judge = null }) != Text(assignment.Options with { Judge = null }))
        {
            return "its settings are not those in the run's journal";
        }

        return assignment.Item is JudgeCell cell && Text(state.Judges.GetValueOrDefault(cell.Judge)) != Text(assignment.Options.Judge)
            ? $"the judge {cell.Judge} at {assignment.Options.Judge?.Endpoint ?? "no endpoint"} is not the one in the run's journal"
            : null;
    }

    private static string Text(object? value) => JsonConvert.SerializeObject(value);

    private static CoinException Refused(Assignment assignment, string why) =>
        new($"Work for the run {assignment.Turn.RunId} was refused: {why}.");

    private static string Trimmed(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    /// <summary>A database that is away for a while is no fault of the work.</summary>
    private RunState? Read(string runFolder)
    {
        for (var clock = Stopwatch.StartNew(); ; )
        {
            try
            {
                return own is null ? RunJournal.Read(runFolder) : own.Read(RunPaths.NameOf(runFolder));
            }
            catch (CoinException fault)
                when (fault.InnerException is { } cause
                    && JournalDatabase.IsFault(cause)
                    && (own is not null || JournalPlace.Of(runFolder) is not null)
                    && clock.Elapsed < Patience
                )
            {
                Thread.Sleep(BetweenReads);
            }
        }
    }

    private RunState? Last(string runFolder)
    {
        lock (looking)
        {
            return known.GetValueOrDefault(runFolder);
        }
    }

    private RunState Look(string runFolder, Assignment assignment)
    {
        var state = Read(runFolder) ?? throw Refused(assignment, $"{runFolder} holds no journal");
        lock (looking)
        {
            known[runFolder] = state;
        }

        return state;
    }
}
