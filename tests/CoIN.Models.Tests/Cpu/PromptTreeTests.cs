using CoIN.Models.Cpu;
using CoIN.Models.Sequences;

namespace CoIN.Models.Tests.Cpu;

public sealed class PromptTreeTests
{
    private const int Picture = SequenceBatch.ImagePlaceholder;

    [Fact]
    public void Prompts_share_the_words_before_their_pictures_and_the_pictures()
    {
        var lasts = Tree(1000, [0, 1, 0], [1, 5, Picture, 7], [1, 5, Picture, 7], [1, 5, Picture, 8, 9]);
        Assert.Equal([0, 1, 2], lasts.Select(last => last.Prompt!.Value));
        Assert.Equal(
            [
                [7],
                [7],
                [8, 9],
            ],
            lasts.Select(last => last.Ids)
        );
        Assert.All(lasts, last => Assert.Equal([2, 10], last.Beginnings().Select(stretch => stretch.Length)));
        Assert.Same(lasts[0].Before, lasts[2].Before);
        Assert.NotSame(lasts[0].Before, lasts[1].Before);
        Assert.Same(lasts[0].Before!.Before, lasts[1].Before!.Before);
        Assert.Equal([0], lasts[0].Before!.Pictures);
        Assert.Equal([1], lasts[1].Before!.Pictures);
        Assert.Empty(lasts[0].Pictures);
    }

    [Fact]
    public void Pictures_and_the_words_between_them_are_one_stretch()
    {
        var last = Assert.Single(Tree(1000, [0, 1], [Picture, 4, Picture, 7]));
        Assert.Equal([Picture, 4, Picture], last.Before!.Ids);
        Assert.Equal([0, 1], last.Before.Pictures);
        Assert.Equal(21, last.Before.Length);
        Assert.Null(last.Before.Before);
    }

    [Fact]
    public void A_prompt_that_ends_with_its_picture_shares_what_is_before_it()
    {
        var lasts = Tree(1000, [0, 0], [1, Picture], [1, Picture]);
        Assert.Same(lasts[0].Before, lasts[1].Before);
        Assert.All(lasts, last => Assert.Equal([Picture], last.Ids));
        Assert.All(lasts, last => Assert.Equal(10, last.Length));
        Assert.All(lasts, last => Assert.Equal([0], last.Pictures));
    }

    [Fact]
    public void Prompts_without_a_picture_or_too_long_ones_stay_whole()
    {
        Assert.All(Tree(1000, [], [1, 7], [1, 7]), last => Assert.Null(last.Before));
        var lasts = Tree(12, [0, 0], [1, Picture, 7, 8], [1, Picture, 7, 9]);
        Assert.All(lasts, last => Assert.Null(last.Before));
        Assert.All(lasts, last => Assert.Equal(12, last.Length));
        Assert.All(lasts, last => Assert.Equal([0], last.Pictures));
    }

    private static IReadOnlyList<PromptStretch> Tree(int maxLength, IReadOnlyList<int> pictures, params int[][] prompts) =>
        PromptTree.Of([.. prompts.Select(ids => new TokenSequence(ids, null))], pictures, imageTokens: 10, maxLength);
}
