using Akka.Actor;
using Akka.Event;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using static CoIN.Actors.Protocol.WorkProtocol;
using Turn = CoIN.Actors.Protocol.Turn;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The part of a supervisor that has to do with stages that several trainers do together: a turn for each of them, of which the latest
/// team is of use. Used by the supervisor alone, in whose name it speaks.
/// </summary>
/// <param name="trainers">As <see cref="SupervisorSettings.Trainers"/>.</param>
internal sealed class Teams(WorkInHand inHand, int? trainers, ILoggingAdapter log)
{
    // A team of which some have not begun after so many reminders is none.
    private const int Patience = 6;

    private (Turn Turn, LinkAddress Address)? opened;
    private Turn? broken;
    private Turn? told;
    private (Turn Turn, int Times)? halved;

    // Trainers that there are, where they were found to be fewer than the stage's shares.
    private int? there;

    /// <summary>A turn for each worker that is to take part in a piece of work.</summary>
    public IEnumerable<(Turn Turn, WorkItem Item)> Turns(Turn turn, WorkItem item, int shares) =>
        item is TrainStage stage && Math.Min(shares, trainers ?? there ?? int.MaxValue) is > 1 and var several
            ? Enumerable
                .Range(0, several)
                .Select(rank => (turn with { Rank = rank }, (WorkItem)(stage with { Team = new TeamRank(rank, several) })))
            : [(turn, item)];

    /// <summary>What is offered of some turns: a team once, as its first trainer's work.</summary>
    public static IEnumerable<(Turn Turn, WorkItem Item)> Offers(IEnumerable<(Turn Turn, WorkItem Item)> turns) =>
        turns
            .DistinctBy(one => one.Turn.Number)
            .Select(one =>
                one.Item is TrainStage { Team: { } team } stage
                    ? (one.Turn with { Rank = 0 }, stage with { Team = team with { Rank = 0 } })
                    : one
            );

    /// <summary>Rank 0 waits for the others, who are told.</summary>
    public void Opened(LinksOpened message)
    {
        opened = (message.Turn, message.Address);
        foreach (var (turn, other) in inHand.OthersOf(message.Turn))
        {
            other?.Tell(new Meet(turn, message.Address));
        }
    }

    /// <summary>A worker has a turn, and is told again what it may have missed.</summary>
    public void Tell(Turn turn, IActorRef worker)
    {
        worker.Tell(broken?.IsOfSameTeam(turn) == true ? new StopWork(turn) : new Begin(turn));
        if (turn.Rank > 0 && opened is { } first && first.Turn.IsOfSameTeam(turn))
        {
            worker.Tell(new Meet(turn, first.Address));
        }
    }

    /// <summary>Nobody has these turns any more.</summary>
    public void Lost(IReadOnlyList<Turn> turns)
    {
        foreach (var turn in turns)
        {
            if (turn.Rank is { } rank)
            {
                log.Warning("The trainer of rank {Rank} is lost; the others of its team stop at the last full step", rank);
            }
            else
            {
                log.Warning("A worker is lost; its work is done again from where the journal knows it");
            }

            BreakUp(turn);
        }
    }

    /// <summary>
    /// One of a team has ended its part: without it the others cannot go on. When all have ended theirs, the stage is offered anew.
    /// </summary>
    public void BreakUp(Turn turn)
    {
        foreach (var (other, worker) in turn.Rank is null ? [] : inHand.OthersOf(turn))
        {
            broken = turn;
            if (worker is null)
            {
                inHand.Close(other);
            }
            else
            {
                worker.Tell(new StopWork(other));
            }
        }
    }

    /// <summary>Gives up a team that has begun in part again and again.</summary>
    /// <returns>What one of it has not begun; null where there is none.</returns>
    public (Turn Turn, WorkItem Item)? GiveUpHalf()
    {
        var begun = inHand.Begun.Select(one => one.Turn).ToList();
        if (
            inHand.Offered.FirstOrDefault(one => one.Turn.Rank is not null && begun.Exists(one.Turn.IsOfSameTeam))
            is not { Turn: { } turn } half
        )
        {
            halved = null;
            return null;
        }

        halved = (turn, halved is { } before && before.Turn.IsOfSameTeam(turn) ? before.Times + 1 : 1);
        if (halved.Value.Times < Patience)
        {
            return null;
        }

        log.Warning("Some trainers of a team do not begin; it is put together anew");
        BreakUp(turn);
        inHand.Close(turn);
        return half;
    }

    /// <summary>There are fewer trainers in the cluster than a stage has shares.</summary>
    /// <returns>Whether the stage is to be offered to those that are there.</returns>
    public bool Fewer(TooFewTrainers message, TrainingOptions training)
    {
        var turn = message.Turn;
        var offered = inHand.Offered.Select(one => one.Turn).Where(turn.IsOfSameTeam).ToList();
        if (offered.Count == 0 || inHand.Begun.Any(one => one.Turn.IsOfSameTeam(turn)))
        {
            return false;
        }

        if (training.OnLostTrainer == LostTrainer.Wait)
        {
            if (told?.IsOfSameTeam(turn) != true)
            {
                log.Warning(
                    "The stage waits for {Wanted} trainers; there are {Trainers} (training.on-lost-trainer = wait)",
                    training.WorldSize,
                    message.Trainers
                );
            }

            told = turn;
            return false;
        }

        if (message.Trainers == 0)
        {
            return false;
        }

        log.Warning("{Trainers} of {Wanted} trainers are there; they do the shares of all", message.Trainers, training.WorldSize);
        offered.ForEach(inHand.Close);
        there = message.Trainers;
        return true;
    }

    /// <summary>A stage is trained: the next one looks for trainers anew.</summary>
    public void StageEnded() => there = null;
}
