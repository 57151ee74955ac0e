using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using CoIN.Actors.Links;
using CoIN.Actors.Telemetry;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Steps;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Workers;

/// <summary>Trains stages on one device, one micro-batch at a time, and writes checkpoints and adapters.</summary>
internal sealed class Trainer(
    IActorRef scheduler,
    string device,
    int threads,
    ILearnerFactory learners,
    IBenchmarkWork work,
    Admission admission,
    LinkHost links
) : Worker(scheduler, Skill.Train, device)
{
    private const int SpeedWindow = 20;
    private static readonly TimeSpan ReportEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>How long trainers that part wait for each other: a node that is asked to end has minutes.</summary>
    private static readonly TimeSpan HandOver = TimeSpan.FromSeconds(30);

    private readonly Queue<(TimeSpan At, int Tokens)> recent = new();
    private readonly Stopwatch clock = new();
    private ILearner? learner;
    private ITrainingSession? session;
    private StepsFile? steps;
    private bool opened;
    private TimeSpan reported;
    private TimeSpan stepBegan;
    private int savedStep;
    private long tokens;
    private StepFigures? last;

    // Of a team: the ends of rank 0, or the way to it.
    private LinkHost.Team? team;
    private PendingLink? toFirst;
    private bool met;

    // Checkpoints of this turn, for the case that it was not ours any more.
    private readonly List<string> written = [];

    /// <summary>
    /// A node that is torn down without a word has been given up by the others: what it would write now, somebody else has written.
    /// </summary>
    protected override bool HandsBackAtEnd => !admission.IsShared;

    private string Fence => admission.IsShared ? Current.Turn.Fence() : "";

    // Whether held-out samples are gone through: at a checkpoint before it is written, at the end before the adapter is.
    private bool validating;

    // Whether the checkpoint to go on from is lost: then nothing is done.
    private bool lost;

    /// <summary>Whether this trainer makes the updates; the others compute their shares of the steps and do nothing else.</summary>
    private bool IsFirst => Stage.Team is not { Rank: > 0 };

    protected override Task? Awaited => session?.Awaited;

    private TrainStage Stage => (TrainStage)Current.Item;

    private WorkPlace Place => new(Current.Turn.RunId, Stage.Stage, Spec.Name);

    private StageSpec Spec => Current.Options.Curriculum().Stage(Stage.Stage);

    protected override bool OthersMayTry => admission.IsShared;

    protected override string Told(string fault) => admission.Told(fault, Current);

    protected override string RunFolder => admission.FolderOf(Current);

    protected override (int Stage, string Task) Subject(Assignment assignment) =>
        (((TrainStage)assignment.Item).Stage, assignment.Options.Curriculum().Stage(((TrainStage)assignment.Item).Stage).Name);

    protected override void Open()
    {
        var damage = admission.Check(Current);
        clock.Restart();
        recent.Clear();
        written.Clear();
        lost = damage is not null;
        if (lost)
        {
            Deliver(new CheckpointLost(Stage.Stage, Stage.Checkpoint!, damage!));
            return;
        }

        (reported, tokens, last) = (TimeSpan.Zero, 0, null);
        if (!opened)
        {
            // Tens of seconds for a large model; later stages have it at once.
            Log.Info("Loading the base model {Model} on {Device}", Current.Options.Model.Name(), Device);
            opened = true;
        }

        // Others may come while the model is being loaded.
        var together = Together();
        learner = learners.Open(Current.Options, Device, threads);
        admission.CheckBase(Current, learner.BaseModelSha256);
        Tell(new ModelLoaded(learner.BaseModelSha256));
        session = learner.OpenTraining(
            new StageTraining(
                Stage.Stage,
                Spec.Name,
                Current.Options.BatchSizeOf(Spec),
                [.. Spec.Learns.SelectMany(place => work.Training(Current.Options, Current.Options.Tasks[place]))],
                Stage.Adapter is null ? null : PathOf(Stage.Adapter),
                Stage.Checkpoint is null ? null : PathOf(Stage.Checkpoint)
            )
            {
                GradientAccumulation = Current.Options.AccumulationOf(Spec),
                Validation = IsFirst
                    ? [.. Spec.Learns.SelectMany(place => work.Validation(Current.Options, Current.Options.Tasks[place]))]
                    : [],
                Team = together,
            }
        );
        if (!IsFirst)
        {
            Log.Info(
                "Rank {Rank} of {Trainers} trains from step {Step} of {TotalSteps} on {Device}",
                Stage.Team!.Rank,
                Stage.Team.Trainers,
                session.Step,
                session.TotalSteps,
                Device
            );
            return;
        }

        validating = Stage.ValidateFirst && session.ValidationSamples > 0 && session.Step < session.TotalSteps;
        steps = StepsFile.Open(PathOf(RunPaths.Steps(Stage.Stage, Spec.Name)), session.Step, admission.IsShared);
        savedStep = session.Step;
        stepBegan = clock.Elapsed;
        Log.WithContext(Narrated, true)
            .Info(
                "Training begins at step {Step} of {TotalSteps} on {Device}"
                    + (Stage.Team is { } all ? $", by {all.Trainers} trainers" : ""),
                session.Step,
                session.TotalSteps,
                Device
            );
        recent.Enqueue((clock.Elapsed, 0));
        TellProgress(microBatch: 0);
    }

    protected override bool Step()
    {
        if (lost)
        {
            return false;
        }

        if (!IsFirst)
        {
            if (session!.Step < session.TotalSteps)
            {
                session.Next();
                return true;
            }

            Deliver(new SharesTrained());
            return false;
        }

        if (validating)
        {
            return Validated() is not { } point || Behind(point);
        }

        if (session!.Step < session.TotalSteps)
        {
            var micro = session.Next();
            tokens += micro.Tokens;
            if (micro.Step is { } step)
            {
                last = new StepFigures(step.Loss, step.LearningRate);
                Keep(step);
                Log.Debug(
                    "Step {Step} of {TotalSteps}: loss {Loss:F4}, gradient norm {GradNorm:F3}",
                    step.Step,
                    session.TotalSteps,
                    step.Loss,
                    step.GradNorm
                );
            }

            Progress(micro);
            var every = Current.Options.Training.CheckpointEvery;
            if (micro.Step is not null && every > 0 && session.Step % every == 0 && session.Step < session.TotalSteps)
            {
                validating = session.ValidationSamples > 0;
                if (!validating)
                {
                    SaveCheckpoint();
                }
            }

            return true;
        }

        if (session.Conclude() is { } done)
        {
            Conclude(done);
            return true;
        }

        if (session.ValidationSamples > 0)
        {
            validating = true;
            return true;
        }

        SaveAdapter();
        return false;
    }

    protected override void Leave()
    {
        if (session?.Part(HandOver) is { } step && IsFirst)
        {
            Keep(step);
        }

        if (!IsFirst || session is null || session.Step <= savedStep)
        {
            return;
        }

        if (session.IsWhole)
        {
            SaveCheckpoint();
        }
        else
        {
            Log.Warning(
                "The steps since step {Step} will be done again: other trainers have parts of the optimizer's state and did not hand them over (training.optimizer-state = sharded)",
                savedStep
            );
        }
    }

    protected override void Close()
    {
        steps?.Dispose();
        session?.Dispose();
        learner?.Dispose();
        team?.Dispose();
        toFirst?.Dispose();
        (steps, session, learner, team, toFirst) = (null, null, null, null, null);
    }

    /// <summary>Rank 0 waits for the others, who are told where; they wait for that word.</summary>
    private TrainingTeam Together()
    {
        if (Stage.Team is not { } part)
        {
            return TrainingTeam.Alone;
        }

        if (part.Rank == 0)
        {
            team = links.Open(part.Trainers);
            Tell(new LinksOpened(team.Address));
            return new TrainingTeam(0, part.Trainers, team.Links);
        }

        (toFirst, met) = (new PendingLink(), false);
        return new TrainingTeam(part.Rank, part.Trainers, [toFirst]);
    }

    protected override void Inherited()
    {
        if (team is not null)
        {
            Tell(new LinksOpened(team.Address));
        }
    }

    protected override void Met(LinkAddress address)
    {
        if (!met && toFirst is { } link && Stage.Team is { } part)
        {
            met = true;
            links
                .MeetAsync(address, part.Rank)
                .ContinueWith(
                    made =>
                    {
                        if (made.IsCompletedSuccessfully)
                        {
                            link.Set(made.Result);
                        }
                        else
                        {
                            link.Fail(made.Exception!.GetBaseException());
                        }
                    },
                    TaskScheduler.Default
                );
        }
    }

    private void Keep(StepReport step)
    {
        var seconds = (clock.Elapsed - stepBegan).TotalSeconds;
        steps!.Append(
            new StepRecord(
                step.Step,
                session!.TotalSteps,
                step.Loss,
                step.LearningRate,
                step.GradNorm,
                step.Samples,
                step.Tokens,
                seconds,
                Environment.WorkingSet,
                DateTimeOffset.UtcNow
            )
        );
        RunMetrics.Step(Place, Device, step.Loss, step.LearningRate, step.GradNorm, step.Tokens, seconds);
        stepBegan = clock.Elapsed;
    }

    /// <summary>Goes on with the loss of held-out samples.</summary>
    /// <returns>It, once all of them are done.</returns>
    private ValidationPoint? Validated()
    {
        var done = session!.Validate();
        if (done.Loss is not { } loss)
        {
            if (clock.Elapsed - reported >= ReportEvery)
            {
                TellProgress(microBatch: 0);
            }

            return null;
        }

        RunMetrics.Validated(Place, Device, loss);
        Log.Info("Validation loss {Loss:F4} on {Samples} held-out samples after step {Step}", loss, done.Samples, session.Step);
        return new ValidationPoint(session.Step, loss, done.Samples, done.Tokens);
    }

    /// <summary>What a validation stood before: a checkpoint, or the stage's adapter.</summary>
    /// <returns>Whether the stage goes on.</returns>
    private bool Behind(ValidationPoint point)
    {
        validating = false;
        if (session!.Step < session.TotalSteps)
        {
            SaveCheckpoint(point);
            return true;
        }

        SaveAdapter(point);
        return false;
    }

    private void SaveCheckpoint(ValidationPoint? validation = null)
    {
        // What a checkpoint goes on from must not be missing before it.
        steps!.Flush();

        var began = clock.Elapsed;

        // Nothing has been trained since the checkpoint that this turn began with, where only its validation was missing.
        var again = session!.Step == savedStep;
        var folder = again ? Stage.Checkpoint! : RunPaths.Checkpoint(Stage.Stage, Spec.Name, session.Step) + Fence;
        if (!again)
        {
            Durable.WriteFolder(PathOf(folder), session.SaveCheckpoint);
            written.Add(PathOf(folder));
        }

        Tell(new CheckpointWritten(Stage.Stage, session.Step, folder, Durable.Sha256OfFolder(PathOf(folder))) { Validation = validation });
        if (!again && RunMetrics.WantsCheckpoints)
        {
            RunMetrics.Checkpoint(Place, Device, Size(PathOf(folder)), (clock.Elapsed - began).TotalSeconds);
        }

        savedStep = session.Step;
        stepBegan = clock.Elapsed;
    }

    private static long Size(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    protected override void CheckpointKept(string folder)
    {
        if (admission.HasOwnFolder)
        {
            RunFiles.DeleteCheckpoints(RunFolder, Stage.Stage, Spec.Name, before: folder, warning => Log.Warning("{Warning}", warning));
        }
    }

    protected override void Settled(Outcome how)
    {
        if (admission.HasOwnFolder && how is AdapterWritten)
        {
            RunFiles.DeleteCheckpoints(RunFolder, Stage.Stage, Spec.Name, before: null, warning => Log.Warning("{Warning}", warning));
        }
    }

    protected override void Disown()
    {
        foreach (var folder in admission.IsShared ? written.Where(Directory.Exists) : [])
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Log.Warning("{Folder} is of a work that was given to another, and cannot be deleted: {Reason}", folder, e.Message);
            }
        }

        written.Clear();
    }

    private void SaveAdapter(ValidationPoint? validation = null)
    {
        steps!.Flush();

        // In a folder of its own it is in nobody's way, and has its stage's name for whoever fetches it.
        var folder = RunPaths.Adapter(Stage.Stage, Spec.Name) + (admission.HasOwnFolder ? "" : Fence);
        Durable.WriteFolder(PathOf(folder), session!.SaveAdapter);
        var files = Durable.Sha256OfFiles(PathOf(folder));
        Deliver(
            new AdapterWritten(
                Stage,
                folder,
                files[AdapterFiles.Weights],
                files.GetValueOrDefault(AdapterFiles.Projector),
                session.TotalSteps,
                last?.Loss ?? 0,
                tokens,
                clock.Elapsed.TotalSeconds
            )
            {
                FolderSha256 = Durable.Sha256Of(files),
                Computation = Computed(threads),
                Validation = validation,
            }
        );
        Log.WithContext(Narrated, true)
            .Info(
                "Trained {Steps} step" + (session.TotalSteps == 1 ? "" : "s") + " in {Seconds:F1} s, loss {Loss:F4}",
                session.TotalSteps,
                clock.Elapsed.TotalSeconds,
                last?.Loss ?? 0
            );
    }

    /// <summary>Tells of a pass at the end of the stage: there may be a thousand, and they take minutes.</summary>
    private void Conclude(ConclusionReport done)
    {
        if (done.Sample == 1)
        {
            Log.Info(
                "End of the stage: the method {Method} goes through {Samples} training samples once more",
                Current.Options.Method,
                done.Samples
            );
        }

        if (done.Sample == 1 || done.Sample == done.Samples || clock.Elapsed - reported >= ReportEvery)
        {
            TellProgress(microBatch: 0, new ConclusionProgress(done.Sample, done.Samples));
        }
    }

    private void Progress(MicroBatchReport done)
    {
        recent.Enqueue((clock.Elapsed, done.Tokens));
        if (recent.Count > SpeedWindow)
        {
            recent.Dequeue();
        }

        if (clock.Elapsed - reported >= ReportEvery || session!.Step == session.TotalSteps)
        {
            TellProgress(done.Step is null ? done.Number : 0);
        }
    }

    private void TellProgress(int microBatch, ConclusionProgress? conclusion = null)
    {
        reported = clock.Elapsed;
        var span = (clock.Elapsed - recent.Peek().At).TotalSeconds;
        Tell(
            new TrainingProgressed(
                new TrainingProgress(
                    Stage.Stage,
                    Spec.Name,
                    session!.Step,
                    session.TotalSteps,
                    microBatch,
                    session.MicroBatches,
                    last,
                    conclusion is null && recent.Count > 1 && span > 0 ? recent.Skip(1).Sum(one => (long)one.Tokens) / span : null
                )
                {
                    Conclusion = conclusion,
                }
            )
        );
    }
}
