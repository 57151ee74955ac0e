using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Routing;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Workers;

/// <summary>Answers shards of test sets on one device, one batch at a time, and puts answered shards together to scored cells.</summary>
internal sealed class Evaluator(
    IActorRef scheduler,
    string device,
    int threads,
    ILearnerFactory learners,
    IBenchmarkWork work,
    Admission admission
) : Worker(scheduler, Skill.Evaluate, device)
{
    private readonly Stopwatch clock = new();
    private readonly List<Prediction> answers = [];
    private IReadOnlyList<TestSample> samples = [];
    private IReadOnlyList<int> order = [];

    // The session of the last adapter is kept: shards of one adapter follow one another.
    private (string Key, ILearner Learner, IGenerationSession Session)? opened;

    protected override (int Answered, int Of) Counted => (answers.Count, samples.Count);

    protected override bool OthersMayTry => admission.IsShared;

    protected override string Told(string fault) => admission.Told(fault, Current);

    protected override string RunFolder => admission.FolderOf(Current);

    protected override (int Stage, string Task) Subject(Assignment assignment)
    {
        var (stage, task) = Cell(assignment.Item);
        return (stage, assignment.Options.Tasks[task].Name);
    }

    protected override void Open()
    {
        admission.Check(Current);
        clock.Restart();
        answers.Clear();
        if (Current.Item is AnswerShard shard)
        {
            var all = work.Test(Current.Options, TaskOf(shard.Task));
            var size = Current.Options.Evaluation.ShardSize;
            var drawn = all.Skip(shard.Shard * size).Take(size).ToList();
            order = AnswerOrder.Of(drawn);
            samples = [.. order.Select(i => drawn[i])];
            Generation(shard);

            // Of a shard that was left before its end.
            _ = opened!.Value.Session.TakeRouting();
        }
    }

    protected override bool Step()
    {
        if (Current.Item is ScoreCell cell)
        {
            Score(cell);
            return false;
        }

        var shard = (AnswerShard)Current.Item;
        if (answers.Count < samples.Count)
        {
            var size = Current.Options.Evaluation.BatchSize;
            var batch = samples.Skip(answers.Count).Take(size).ToList();
            opened!.Value.Session.Prepare([.. samples.Skip(answers.Count).Take(2 * size)]);
            var began = clock.Elapsed;
            answers.AddRange(Answered(batch, shard));
            RunMetrics.Answered(
                new WorkPlace(Current.Turn.RunId, shard.Stage, TaskOf(shard.Task).Name),
                Device,
                batch.Count,
                (clock.Elapsed - began).TotalSeconds
            );
            Tell(new EvaluationProgressed(shard.Stage, shard.Task, shard.Shard, answers.Count));
            return true;
        }

        var file = RunPaths.Shard(shard.Stage, TaskOf(shard.Task).Name, shard.Shard, shard.Shards, Current.Turn.Fence());
        work.WritePredictions(PathOf(file), AnswerOrder.Restore(answers, order));
        RoutingFile.Write(RoutingFile.Beside(PathOf(file)), opened!.Value.Session.TakeRouting());
        Deliver(
            new ShardWritten(shard, file, Durable.Sha256(PathOf(file)), answers.Count, clock.Elapsed.TotalSeconds)
            {
                Computation = Computed(threads),
            }
        );
        return false;
    }

    /// <summary>Whoever looks into a fault wants to know at which samples it happened.</summary>
    private IReadOnlyList<Prediction> Answered(IReadOnlyList<TestSample> batch, AnswerShard shard)
    {
        try
        {
            return opened!.Value.Session.Answer(batch, TaskOf(shard.Task).MaxNewTokens);
        }
        catch (Exception e) when (e is not CoinException)
        {
            Log.Error(e, "Unexpected fault");
            throw new CoinException(
                $"{e.GetType().Name} on {Device} at the test samples {string.Join(", ", batch.Select(sample => sample.QuestionId))} of {TaskOf(shard.Task).Name}: {e.Message.Split('\n')[0]}",
                e
            );
        }
    }

    protected override void Leave()
    {
        // An unfinished shard is answered again: it is small, and its batches are always the same.
        answers.Clear();
    }

    protected override void Close()
    {
        samples = [];
        if (opened is { } kept)
        {
            kept.Learner.Rest(kept.Session.Dispose);
        }
    }

    protected override void PostStop()
    {
        CloseGeneration();
        base.PostStop();
    }

    private static (int Stage, int Task) Cell(WorkItem item) =>
        item switch
        {
            AnswerShard shard => (shard.Stage, shard.Task),
            ScoreCell cell => (cell.Stage, cell.Task),
            _ => throw new ArgumentException($"an evaluator cannot do {item.GetType().Name}", nameof(item)),
        };

    private TaskOptions TaskOf(int task) => Current.Options.Tasks[task];

    private void Generation(AnswerShard shard)
    {
        var key = $"{RunFolder}|{shard.Adapter}";
        if (opened is { } kept && !kept.Learner.Wake())
        {
            // Its memory was needed for another base model.
            kept.Learner.Dispose();
            opened = null;
        }

        if (opened?.Key == key)
        {
            return;
        }

        CloseGeneration();
        var learner = learners.Open(Current.Options, Device, threads);
        admission.CheckBase(Current, learner.BaseModelSha256);
        Tell(new ModelLoaded(learner.BaseModelSha256));
        opened = (key, learner, learner.OpenGeneration(shard.Adapter is null ? null : PathOf(shard.Adapter)));
    }

    private void CloseGeneration()
    {
        if (opened is { } kept && kept.Learner.Wake())
        {
            kept.Session.Dispose();
        }

        opened?.Learner.Dispose();
        opened = null;
    }

    private void Score(ScoreCell cell)
    {
        var task = TaskOf(cell.Task);
        var predictions = cell.Files.Items.SelectMany(file => work.ReadPredictions(PathOf(file))).ToList();
        var scores = work.Score(task, work.Test(Current.Options, task), predictions);
        var (file, scoresFile) = (RunPaths.Predictions(cell.Stage, task.Name), RunPaths.Scores(cell.Stage, task.Name));
        work.WritePredictions(PathOf(file), predictions);
        work.WriteScores(PathOf(scoresFile), scores.Scores);
        RoutingFile.Write(
            PathOf(RunPaths.Routing(cell.Stage, task.Name)),
            RoutingFile.Sum(cell.Files.Items.Select(one => RoutingFile.Beside(PathOf(one))))
        );
        Deliver(
            new CellWritten(cell, scores.Accuracy, scores.Samples, file, Durable.Sha256(PathOf(file)))
            {
                Corrected = scores.Corrected,
                CorrectedSamples = scores.CorrectedSamples,
                ScoresFile = scoresFile,
                ScoresSha256 = Durable.Sha256(PathOf(scoresFile)),
            }
        );
        Log.WithContext(Narrated, true)
            .Info(
                "Truth Alignment {Accuracy:F2} % by the published rules, {Corrected:F2} % by the corrected ones, on {Samples} sample"
                    + (scores.Samples == 1 ? "" : "s"),
                scores.Accuracy,
                scores.Corrected,
                scores.Samples
            );
    }
}
