using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class JudgeAppointmentsTests
{
    private static readonly JudgeOptions Strict = new()
    {
        Name = "strict",
        Kind = JudgeKind.OpenAi,
        Endpoint = "http://x/v1",
        Model = "m",
    };
    private static readonly RunState Begun = States.Begun(TinyExperiments.Of(1, ZeroShot.Name));
    private static readonly RunState Tested = Begun.With(new CellScored(0, 0, 50, 7, "p", "x"));
    private static readonly FakeWork Work = new();

    [Fact]
    public void A_run_that_has_everything_gets_a_judge_by_one_event_and_only_once()
    {
        Assert.Equal([new JudgeAppointed(Strict)], JudgeAppointments.Appoint("copy", Tested, Strict, Work));
        Assert.Empty(JudgeAppointments.Appoint("copy", Tested.With(new JudgeAppointed(Strict)), Strict, Work));
        Assert.Equal(
            [new JudgeAppointed(Strict with { Model = "n" })],
            JudgeAppointments.Appoint("copy", Tested.With(new JudgeAppointed(Strict)), Strict with { Model = "n" }, Work)
        );
    }

    [Fact]
    public void A_judge_that_judged_as_another_one_is_appointed_again()
    {
        var judged = Tested.With(new JudgeAppointed(Strict), Judged(JudgeIdentity.Of(Strict)));
        Assert.Empty(JudgeAppointments.Appoint("copy", judged, Strict, Work));
        Assert.Equal([new JudgeAppointed(Strict)], JudgeAppointments.Appoint("copy", judged.With(Judged("former")), Strict, Work));
    }

    [Fact]
    public void A_run_that_needs_its_model_gets_no_judge()
    {
        var fault = Assert.Throws<CoinException>(() => JudgeAppointments.Appoint("copy", Begun, Strict, Work));
        Assert.Contains("The run copy is interrupted: 3 pieces of its work need the model", fault.Message, StringComparison.Ordinal);
        Assert.EndsWith("./run.sh resume copy", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Dismissing_the_judge_that_a_run_waited_for_completes_it_and_leaves_any_other_run_as_it_is()
    {
        var dismissed = new JudgeDismissed("strict");
        var waiting = Tested.With(new JudgeAppointed(Strict));
        Assert.Equal([dismissed, new RunCompleted()], JudgeAppointments.Dismiss("copy", waiting, "strict"));
        Assert.Equal([dismissed], JudgeAppointments.Dismiss("copy", waiting.With(new RunCompleted()), "strict"));
        Assert.Equal(
            [dismissed],
            JudgeAppointments.Dismiss("copy", waiting.With(new JudgeAppointed(Strict with { Name = "mild" })), "strict")
        );
        Assert.Equal([dismissed], JudgeAppointments.Dismiss("copy", Begun.With(new JudgeAppointed(Strict)), "strict"));
    }

    [Fact]
    public void A_judge_that_the_run_does_not_have_cannot_be_dismissed()
    {
        Assert.Contains("no judge strict; it has none", Refused(Tested), StringComparison.Ordinal);
        Assert.Contains(
            "no judge strict; it has mild",
            Refused(Tested.With(new JudgeAppointed(Strict with { Name = "mild" }))),
            StringComparison.Ordinal
        );

        static string Refused(RunState state) =>
            Assert.Throws<CoinException>(() => JudgeAppointments.Dismiss("copy", state, "strict")).Message;
    }

    private static CellJudged Judged(string identity) => new(0, 0, "strict", JudgeKind.OpenAi, "m", identity, 5, 5, 7, 0, "j", "x");
}
