using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace CoIN.Benchmark.Runs;

/// <summary>
/// What goes on in a run right now, for those who look on from other processes: the process that drives it writes this file anew from time
/// to time, and nothing is decided by it. What has happened is in the journal.
/// </summary>
/// <param name="At">When it was so.</param>
/// <param name="Host">Where the process runs that drives the run.</param>
/// <param name="ProcessId">Its number there.</param>
public sealed record LiveProgress(DateTimeOffset At, string Host, int ProcessId)
{
    private static readonly JsonSerializerSettings Json = new()
    {
        ContractResolver = new DefaultContractResolver { NamingStrategy = new CamelCaseNamingStrategy() },
        NullValueHandling = NullValueHandling.Ignore,
    };

    /// <summary>As in <see cref="RunSnapshot.Training"/>.</summary>
    public TrainingProgress? Training { get; init; }

    /// <summary>As in <see cref="RunSnapshot.Evaluations"/>.</summary>
    public IReadOnlyList<EvaluationProgress> Evaluations { get; init; } = [];

    /// <summary>As in <see cref="RunSnapshot.Judging"/>.</summary>
    public IReadOnlyList<JudgingProgress> Judging { get; init; } = [];

    /// <summary>As in <see cref="RunSnapshot.Workers"/>.</summary>
    public IReadOnlyList<WorkerProgress> Workers { get; init; } = [];

    /// <summary>As in <see cref="RunSnapshot.Elapsed"/>.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>As in <see cref="RunSnapshot.Remaining"/>.</summary>
    public TimeSpan? Remaining { get; init; }

    /// <summary>What a snapshot says of the present.</summary>
    public static LiveProgress Of(RunSnapshot snapshot, DateTimeOffset now) =>
        new(now, Environment.MachineName, Environment.ProcessId)
        {
            Training = snapshot.Training,
            Evaluations = snapshot.Evaluations,
            Judging = snapshot.Judging,
            Workers = snapshot.Workers,
            Elapsed = snapshot.Elapsed,
            Remaining = snapshot.Remaining,
        };

    /// <summary>Writes the file whole; it need not outlast a power cut.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(string runFolder)
    {
        var path = Path.Combine(runFolder, RunPaths.Live);
        var temporary = path + Durable.TemporaryMark + "live";
        File.WriteAllText(temporary, JsonConvert.SerializeObject(this, Json));
        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Removes the file: nothing goes on any more, or nobody knows yet.</summary>
    public static void Remove(string runFolder)
    {
        try
        {
            File.Delete(Path.Combine(runFolder, RunPaths.Live));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Who looks on asks first whether anybody drives the run.
            System.Diagnostics.Debug.WriteLine($"{runFolder}: {e.Message}");
        }
    }

    /// <summary>What the file says; null where there is none that can be read.</summary>
    public static LiveProgress? Read(string runFolder)
    {
        try
        {
            var path = Path.Combine(runFolder, RunPaths.Live);
            return File.Exists(path) ? JsonConvert.DeserializeObject<LiveProgress>(Utf8Text.Read(path), Json) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or CoinException)
        {
            return null;
        }
    }

    /// <summary>A snapshot by the journal of a run that is being driven, with what goes on.</summary>
    public RunSnapshot On(RunSnapshot known, DateTimeOffset now)
    {
        if (
            known.Status is not (RunStatus.Starting or RunStatus.Running or RunStatus.Completed)
            || (known.Status == RunStatus.Completed && Judging.Count == 0)
        )
        {
            return known;
        }

        var since = now > At ? now - At : TimeSpan.Zero;
        return known with
        {
            Status = RunStatus.Running,
            Training = Training is { } training && training.Stage > known.StagesTrained ? training : null,
            Evaluations = Evaluations,
            Judging = Judging,
            Workers = Workers,
            Elapsed = Elapsed + since,
            Remaining = Remaining is { } left ? (left > since ? left - since : TimeSpan.Zero) : null,
        };
    }
}
