using System.Diagnostics;
using Akka.Actor;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Telemetry;

/// <summary>A piece of work that a worker does now.</summary>
/// <param name="Key">Different for every time that it is begun.</param>
/// <param name="Task">What is trained, tested or judged.</param>
internal sealed record WorkSpan(object Key, WorkItem Item, string Task, IActorRef Worker);

/// <summary>
/// A run as a trace, for whoever listens to the activity source <see cref="RunMetrics.Name"/>: a span of the run, from where a process took
/// it up; in it one for each stage, from its first piece of work to its last; in these one for each training, evaluation, scoring and
/// judging. While nobody listens nothing is made.
/// </summary>
internal sealed class RunSpans(string runId) : IDisposable
{
    private static readonly ActivitySource Source = new(RunMetrics.Name);

    private readonly Dictionary<int, Activity> stages = [];
    private readonly Dictionary<object, (Activity Span, int Stage)> works = [];
    private Activity? run;

    /// <summary>Whether anybody wants to know.</summary>
    public static bool Wanted => Source.HasListeners();

    /// <summary>Begins and ends spans so that those are open whose work is being done.</summary>
    /// <param name="begun">All that workers do now.</param>
    /// <param name="open">Whether work of a stage is still to come.</param>
    public void See(IReadOnlyCollection<WorkSpan> begun, Func<int, bool> open)
    {
        if (!Wanted && run is null)
        {
            return;
        }

        run ??= Start($"run {runId}", default, null);
        foreach (var key in works.Keys.Except(begun.Select(work => work.Key)).ToList())
        {
            works.Remove(key, out var work);
            work.Span.Dispose();
        }

        foreach (var work in begun.Where(work => !works.ContainsKey(work.Key)))
        {
            var (kind, stage) = Of(work.Item);
            if (
                !stages.TryGetValue(stage, out var within)
                && Start(stage == 0 ? "base model" : $"stage {stage}", run?.Context ?? default, stage) is { } begins
            )
            {
                stages[stage] = within = begins;
            }

            if (Start($"{kind} {work.Task}", within?.Context ?? default, stage) is not { } span)
            {
                continue;
            }

            span.SetTag("coin.task", work.Task)
                .SetTag("coin.worker", work.Worker.Path.Name)
                .SetTag("host.name", work.Worker.Path.Address.Host ?? Environment.MachineName);
            if (work.Item is AnswerShard shard)
            {
                span.SetTag("coin.part", shard.Shard + 1).SetTag("coin.parts", shard.Shards);
            }
            else if (work.Item is TrainStage { Team: { } team })
            {
                span.SetTag("coin.rank", team.Rank).SetTag("coin.trainers", team.Trainers);
            }
            else if (work.Item is JudgeCell judged)
            {
                span.SetTag("coin.judge", judged.Judge);
            }

            works[work.Key] = (span, stage);
        }

        foreach (var stage in stages.Keys.Where(stage => works.Values.All(work => work.Stage != stage) && !open(stage)).ToList())
        {
            stages.Remove(stage, out var span);
            span!.Dispose();
        }
    }

    /// <summary>A piece of work has failed: its span says why.</summary>
    public void Failed(object key, string message)
    {
        if (works.TryGetValue(key, out var work))
        {
            work.Span.SetStatus(ActivityStatusCode.Error, message);
        }
    }

    /// <summary>How the run ended.</summary>
    public void Ended(RunStatus status, string? message)
    {
        run?.SetTag("coin.status", status.ToString().ToLowerInvariant());
        run?.SetStatus(
            status == RunStatus.Failed ? ActivityStatusCode.Error : ActivityStatusCode.Ok,
            status == RunStatus.Failed ? message : null
        );
    }

    /// <summary>Ends what is open.</summary>
    public void Dispose()
    {
        works.Values.ToList().ForEach(work => work.Span.Dispose());
        stages.Values.ToList().ForEach(stage => stage.Dispose());
        run?.Dispose();
        works.Clear();
        stages.Clear();
        run = null;
    }

    /// <summary>The stage whose adapter an item is about; 0 for the base model.</summary>
    public static int StageOf(WorkItem item) => Of(item).Stage;

    private static (string Kind, int Stage) Of(WorkItem item) =>
        item switch
        {
            TrainStage train => ("training", train.Stage),
            AnswerShard shard => ("evaluation", shard.Stage),
            ScoreCell cell => ("scoring", cell.Stage),
            JudgeCell cell => ("judging", cell.Stage),
            _ => throw new ArgumentException($"{item.GetType().Name} has no span", nameof(item)),
        };

    /// <summary>
    /// Spans of one actor overlap: which contains which is said by their parents alone, never by what the thread did last.
    /// </summary>
    private Activity? Start(string name, ActivityContext parent, int? stage)
    {
        Activity.Current = null;
        var span = Source.StartActivity(name, ActivityKind.Internal, parent);
        Activity.Current = null;
        span?.SetTag("coin.run", runId);
        if (stage is { } number)
        {
            span?.SetTag("coin.stage", number);
        }

        return span;
    }
}
