using CoIN.Actors.Scheduling;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Tests.Scheduling;

public sealed class JudgeFaultsTests
{
    private static readonly ScoreCell Other = new(1, 0, new(["s"]));
    private static readonly JudgeCell Strict = new(1, 0, "strict", "id", "f", "ab");
    private static readonly JudgeCell Mild = Strict with { Judge = "mild" };

    [Fact]
    public void A_judge_that_failed_rests_while_there_is_other_work_and_has_one_more_chance()
    {
        var faults = JudgeFaults.None.With("strict", "down", nothingElseLeft: false);
        Assert.False(faults.IsGivenUp("strict"));
        Assert.Empty(faults.GivenUp);
        Assert.Equal([Other, Mild], Possible(faults, Other, Strict, Mild));
        Assert.Equal([Strict, Mild], Possible(faults, Strict, Mild));
    }

    [Fact]
    public void A_judge_that_fails_when_nothing_else_is_left_is_given_up_for_good_and_the_others_go_on()
    {
        var faults = JudgeFaults.None.With("strict", "down", nothingElseLeft: true);
        Assert.True(faults.IsGivenUp("strict"));
        Assert.Equal([Mild], Possible(faults, Strict, Mild));
        Assert.Equal([new JudgingFailed("strict", "down")], faults.GivenUp);
        Assert.Equal([new JudgingFailed("strict", "still down")], faults.With("strict", "still down", nothingElseLeft: false).GivenUp);
    }

    private static IEnumerable<WorkItem> Possible(JudgeFaults faults, params WorkItem[] pending) => faults.At(pending).Possible(pending);
}
