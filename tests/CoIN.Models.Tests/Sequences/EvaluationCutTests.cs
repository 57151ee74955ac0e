using CoIN.Models.Sequences;

namespace CoIN.Models.Tests.Sequences;

public sealed class EvaluationCutTests
{
    private static readonly int[] Ids = [1, SequenceBatch.ImagePlaceholder, 11, 12, 13, 14];

    [Fact]
    public void A_prompt_within_the_limit_stays_whole() => Assert.Equal(Ids, EvaluationCut.Apply(Ids, imageTokens: 4, limit: 9));

    [Fact]
    public void Too_long_a_prompt_loses_text_after_its_picture() =>
        Assert.Equal([1, SequenceBatch.ImagePlaceholder, 13, 14], EvaluationCut.Apply(Ids, imageTokens: 4, limit: 7));

    [Fact]
    public void The_last_token_always_stays() =>
        Assert.Equal([1, SequenceBatch.ImagePlaceholder, 14], EvaluationCut.Apply(Ids, imageTokens: 4, limit: 2));

    [Fact]
    public void Text_alone_loses_its_beginning() => Assert.Equal([13, 14], EvaluationCut.Apply([11, 12, 13, 14], imageTokens: 4, limit: 2));

    [Fact]
    public void The_limit_leaves_room_for_an_answer() => Assert.Equal(255, EvaluationCut.Limit(2048, 256));
}
