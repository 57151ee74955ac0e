using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Workers;

/// <summary>
/// Has cells judged. An endpoint is waited for without blocking; a local model works on this actor's own thread. Replies are kept as they
/// come, so that a judge that was stopped or killed goes on where it was.
/// </summary>
internal sealed class JudgeWorker(
    IActorRef scheduler,
    string device,
    int threads,
    IJudgeFactory judges,
    JudgementCaches caches,
    IBenchmarkWork work,
    Admission admission
) : Worker(scheduler, Skill.Judge, device)
{
    /// <summary>How long a local model is kept while nobody asks for it: the next stage's cells may be hours away.</summary>
    internal static readonly TimeSpan Keep = TimeSpan.FromMinutes(1);

    // Kept for the next cell: a local model takes long to load.
    private (JudgeOptions Options, IJudge Judge)? opened;
    private DateTimeOffset? idleSince;
    private CancellationTokenSource stop = new();
    private JudgementCache cache = null!;
    private List<(string QuestionId, string Key)> answers = [];
    private Queue<(string Key, JudgeRequest Request)> unasked = new();
    private int total;
    private Task? asking;

    protected override Task? Awaited => asking;

    protected override bool OthersMayTry => admission.IsShared;

    protected override string Told(string fault) => admission.Told(fault, Current);

    protected override string RunFolder => admission.FolderOf(Current);

    protected override (int Stage, string Task) Subject(Assignment assignment) =>
        assignment.Item is JudgeCell cell
            ? (cell.Stage, assignment.Options.Tasks[cell.Task].Name)
            : throw new ArgumentException($"a judge cannot do {assignment.Item.GetType().Name}", nameof(assignment));

    protected override void Open()
    {
        idleSince = null;

        // Before the key is read: it is sent only to the endpoint that the run's own journal names.
        admission.Check(Current);
        var cell = (JudgeCell)Current.Item;
        var options = Current.Options.Judge ?? throw new InvalidOperationException("the work came without its judge");
        var judge = OpenJudge(options);
        (stop, asking) = (new CancellationTokenSource(), null);
        cache = caches.Of(PathOf(RunPaths.JudgementCache));
        RunFiles.RequireFile(RunFolder, cell.File, cell.Sha256);

        var task = Current.Options.Tasks[cell.Task];
        var samples = work.Test(Current.Options, task).ToDictionary(sample => sample.QuestionId, StringComparer.Ordinal);
        var rule = JudgePrompt.RuleFor(task.Scorer);
        (answers, unasked) = ([], new());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var prediction in work.ReadPredictions(PathOf(cell.File)))
        {
            var sample = samples.GetValueOrDefault(prediction.QuestionId)
                ?? throw new CoinException(
                    $"{cell.File} answers question {prediction.QuestionId}, which is not in the test file of {task.Name}. Put the former test file back."
                );
            var request = JudgePrompt.Of(new JudgedCase(rule, sample.Text, sample.Answer, prediction.Text));
            var key = JudgeIdentity.KeyOf(options, judge.Fingerprint, request);
            answers.Add((prediction.QuestionId, key));

            // The same answer to the same question is asked about once.
            if (cache.Find(key) is null && seen.Add(key))
            {
                unasked.Enqueue((key, request));
            }
        }

        total = unasked.Count;
    }

    protected override bool Step()
    {
        var cell = (JudgeCell)Current.Item;
        if (unasked.Count == 0)
        {
            Write(cell);
            return false;
        }

        Tell(new JudgingProgressed(cell.Stage, cell.Task, cell.Judge, answers.Count - unasked.Count));
        var judge = opened!.Value.Judge;
        var batch = Enumerable.Range(0, Math.Min(judge.BatchSize, unasked.Count)).Select(_ => unasked.Dequeue()).ToList();
        var keep = cache;
        var (began, where) = (
            Stopwatch.GetTimestamp(),
            new WorkPlace(Current.Turn.RunId, cell.Stage, Current.Options.Tasks[cell.Task].Name)
        );
        asking = judge.AskAsync(
            [.. batch.Select(one => one.Request)],
            (place, reply) =>
            {
                keep.Keep(batch[place].Key, reply);
                if (RunMetrics.WantsJudges)
                {
                    RunMetrics.Judged(where, cell.Judge, Stopwatch.GetElapsedTime(began).TotalSeconds);
                }
            },
            stop.Token
        );
        return true;
    }

    protected override void Leave() => stop.Cancel();

    protected override void Close()
    {
        // What is still under way is of no use any more, for instance after a fault.
        stop.Cancel();
        (answers, unasked, asking) = ([], new(), null);
    }

    protected override void PostStop()
    {
        base.PostStop();
        opened?.Judge.Dispose();
        opened = null;
    }

    protected override void Idle()
    {
        idleSince ??= Now;
        if (opened is { Options: { Kind: JudgeKind.Local } options } && Now - idleSince >= Keep)
        {
            Log.Info("The judge {Judge} leaves {Device} to others: nobody has asked for it for a while", options.Name, Device);
            opened?.Judge.Dispose();
            opened = null;
        }
    }

    private IJudge OpenJudge(JudgeOptions options)
    {
        if (opened is not { } kept || kept.Options != options)
        {
            opened?.Judge.Dispose();
            opened = null;
            opened = (options, judges.Open(options, Device, threads));
        }

        return opened.Value.Judge;
    }

    private void Write(JudgeCell cell)
    {
        var judgements = answers.Select(answer => Judgement.Of(answer.QuestionId, cache.Find(answer.Key)!)).ToList();
        if (judgements.Count == 0)
        {
            throw new CoinException($"{cell.File} holds no answers; there is nothing to judge.");
        }

        var scores = JudgedScores.Of(judgements);
        var unscored = UnscoredReplies.Of(judgements);
        var file = RunPaths.Judgements(cell.Judge, cell.Stage, Current.Options.Tasks[cell.Task].Name);
        JudgementsFile.Write(PathOf(file), judgements);
        Deliver(
            new JudgementsWritten(
                cell,
                scores.Published,
                scores.Corrected,
                scores.Samples,
                scores.Unparsable,
                file,
                Durable.Sha256(PathOf(file))
            )
            {
                Unscored = unscored,
            }
        );
        if (scores.Unparsable < scores.Samples)
        {
            Log.Info(
                "Judged by {Judge}: {Percent:F2} % (published parser) on {Samples} sample"
                    + (scores.Samples == 1 ? "" : "s")
                    + ", {Asked} of them asked, {Unparsable} "
                    + (scores.Unparsable == 1 ? "reply" : "replies")
                    + " without score",
                cell.Judge,
                scores.Published,
                scores.Samples,
                total,
                scores.Unparsable
            );
        }

        if (unscored.Any(one => one.Empty) || scores.Unparsable == scores.Samples)
        {
            Log.Warning("{Unscored}", UnscoredReplies.Told(cell.Judge, scores.Samples, scores.Unparsable, unscored));
        }
    }
}
