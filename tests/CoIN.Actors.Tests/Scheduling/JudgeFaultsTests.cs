using CoIN.Actors.Scheduling;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Tests.Scheduling;

public sealed class JudgeFaultsTests
{
    private static readonly ScoreCell Other = new(1, 0, new(["s"]));
    private static readonly JudgeCell Strict = new(1, 0, "strict", "id", "f", "ab");
    private static readonly JudgeCell Mild = Strict with { Judge = "mild" };

    private readonly JudgeFaults faults = new();

    [Fact]
    public void A_judge_that_failed_rests_while_there_is_other_work_and_has_one_more_chance()
    {
        Assert.False(faults.Add("strict", "down", nothingElseLeft: false));
        Assert.Equal([Other, Mild], faults.Possible([Other, Strict, Mild]));
        Assert.Empty(faults.GivenUp);
        Assert.Equal([Strict, Mild], faults.Possible([Strict, Mild]));
    }

    [Fact]
    public void A_judge_that_fails_when_nothing_else_is_left_is_given_up_and_the_others_go_on()
    {
        Assert.True(faults.Add("strict", "down", nothingElseLeft: true));
        Assert.Equal([Mild], faults.Possible([Strict, Mild]));
        Assert.Equal([("strict", "down")], faults.GivenUp);
    }
}
