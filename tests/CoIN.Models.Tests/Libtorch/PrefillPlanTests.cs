using CoIN.Models.Libtorch;
using CoIN.Models.Sequences;

namespace CoIN.Models.Tests.Libtorch;

public sealed class PrefillPlanTests
{
    private const int Picture = SequenceBatch.ImagePlaceholder;

    [Fact]
    public void Prompts_share_what_they_have_in_common_up_to_the_same_picture()
    {
        var plan = Plan(1000, [0, 1, 0], [1, Picture, 7], [1, Picture, 7], [1, Picture, 8, 9]);
        Assert.Equal([0, 2, 1], plan.Prompts);
        Assert.Equal(
            [
                [1, Picture],
                [1, Picture, 7],
            ],
            plan.Heads.Select(head => head.Ids)
        );
        Assert.Equal(
            [
                [0, 1],
                [2],
            ],
            plan.Heads.Select(head => head.Rows)
        );
        Assert.Equal([11, 12], plan.Heads.Select(head => head.Length));
        Assert.Equal(
            [
                [7],
                [8, 9],
            ],
            plan.Tails.Select(tail => tail.Ids)
        );
        Assert.All(plan.Tails, tail => Assert.Equal(11, tail.Start));
    }

    [Fact]
    public void Nothing_is_shared_before_different_words_or_without_a_picture()
    {
        Assert.Empty(Plan(1000, [0, 0], [1, Picture, 7], [2, Picture, 7]).Tails);
        Assert.Empty(Plan(1000, [], [1, 7], [1, 7]).Tails);
    }

    [Fact]
    public void Prompts_that_end_with_their_picture_or_are_too_long_stay_whole()
    {
        Assert.Empty(Plan(1000, [0, 0], [1, Picture], [1, Picture]).Tails);
        var plan = Plan(12, [0, 0], [1, Picture, 7, 8], [1, Picture, 7, 9]);
        Assert.Empty(plan.Tails);
        Assert.All(plan.Heads, head => Assert.Equal(12, head.Length));
    }

    [Fact]
    public void Turns_stay_within_their_positions_and_take_every_head_once()
    {
        var plan = Plan(1000, [], [1, 2, 3], [1], [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2]);
        var turns = plan.Turns(6).ToList();
        Assert.Equal([2, 1, 1], turns.Select(turn => turn.Count));
        Assert.Equal(plan.Heads, turns.SelectMany(turn => turn));
    }

    private static PrefillPlan Plan(int maxLength, IReadOnlyList<int> pictures, params int[][] prompts) =>
        PrefillPlan.For([.. prompts.Select(ids => new TokenSequence(ids, null))], pictures, imageTokens: 10, maxLength);
}
