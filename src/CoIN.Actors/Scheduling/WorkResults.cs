using Akka.Actor;
using Akka.Event;
using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The part of a supervisor that takes what workers report of their turns: the event that follows from it is written, and then the turn is
/// ended. Used by the supervisor alone, in whose name it speaks.
/// </summary>
internal sealed class WorkResults(
    ISupervisedRun run,
    Assignments work,
    SharedWork sharing,
    RunPublisher publisher,
    RunUpkeep folder,
    SupervisorSettings settings,
    ILoggingAdapter log
)
{
    /// <summary>A worker has a base model.</summary>
    public void Loaded(ModelLoaded message)
    {
        switch (RunDecisions.EventOf(message, run.State))
        {
            case RunFailed failed:
                run.End(failed);
                break;
            case { } happened:
                run.Record([happened], () => { });
                break;
        }
    }

    /// <summary>Takes a report whose files are there.</summary>
    public void Take(WorkReport report, WorkItem item, IActorRef worker)
    {
        switch (report)
        {
            case CheckpointWritten written when RunDecisions.EventOf(written, run.State) is { } happened:
                Written(written, item, happened, worker);
                break;
            case WorkFailed failed:
                Failed(failed, item, worker);
                break;
            case Outcome outcome:
                Ended(outcome, item, worker);
                break;
        }
    }

    /// <summary>What a worker has written is lost before the journal names it.</summary>
    public void Lost(WorkReport report, WorkItem item, IActorRef worker, string reason)
    {
        if (report is not Outcome outcome)
        {
            log.Warning("A checkpoint is passed over: {Reason}", reason);
            return;
        }

        if (work.ResultLost(item, reason, run.State) is { } fault)
        {
            log.Error("{Fault}", fault);
            run.End(new RunFailed(fault));
        }

        Close(outcome, worker, new Refused(outcome.Turn));
    }

    private void Written(CheckpointWritten written, WorkItem item, RunEvent happened, IActorRef worker) => run.Record([happened], () =>
        {
            folder.After(happened, item, run.State);
            log.Info("Checkpoint of stage {Stage} at step {Step}", written.Stage, written.Step);
            if (settings.Fetch is not null && !worker.Path.Address.HasLocalScope)
            {
                worker.Tell(new Kept(written.Turn, written.Folder));
            }
        });

    private void Failed(WorkFailed failed, WorkItem item, IActorRef worker)
    {
        publisher.Ended(failed, item);
        (var means, work.Faults) = RunDecisions.OfFailure(item, failed.Message, run.State, work.Faults, settings.IsShared, run.IsEnding);
        work.Failed(failed, item, worker, means);
        if (means == FailureMeans.EndOfRun)
        {
            run.End(new RunFailed(failed.Message));
        }

        Settle(failed, worker);
    }

    private void Ended(Outcome outcome, WorkItem item, IActorRef worker)
    {
        publisher.Ended(outcome, item);
        if (outcome is WorkStopped { Reason: { } reason })
        {
            work.BrokenOff(outcome, item, worker, reason);
        }

        if (RunDecisions.EventOf(outcome, run.State) is not { } happened)
        {
            Settle(outcome, worker);
            return;
        }

        try
        {
            happened = folder.PutInPlace(happened);
        }
        catch (CoinException e)
        {
            Lost(outcome, item, worker, e.Message);
            return;
        }

        if (happened is CheckpointDiscarded)
        {
            log.Warning("{Damage}", RunLosses.Describe(happened, run.State));
        }

        run.Record([happened], () =>
        {
            if (happened is StageTrained)
            {
                work.StageEnded();
            }

            publisher.Ended(happened);
            folder.After(happened, item, run.State);
            sharing.Publish(happened, run.State);
            Settle(outcome, worker);
        });
    }

    /// <summary>What was to be written about a turn is in the journal.</summary>
    private void Settle(Outcome outcome, IActorRef worker) => Close(outcome, worker, new Acknowledged(outcome.Turn));

    private void Close(Outcome outcome, IActorRef worker, IMessage told)
    {
        work.Close(outcome, worker, told);
        run.Proceed();
    }
}
