using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Sequences;

public sealed class PicturePlaceTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 7)]
    [InlineData(1, PicturePlace.Longest)]
    [InlineData(PicturePlace.Longest, 2)]
    public void An_id_holds_the_size_of_its_picture(int rows, int columns)
    {
        var id = PicturePlace.Of(rows, columns);
        Assert.True(PicturePlace.Is(id));
        Assert.Equal((rows, columns), PicturePlace.Size(id));
        Assert.Equal(rows * columns, PicturePlace.Positions(id, imageTokens: 5));
        Assert.NotEqual(id, PicturePlace.Of(rows, columns == 1 ? 2 : columns - 1));
    }

    [Fact]
    public void Other_ids_are_a_token_or_a_picture_without_a_size_of_its_own()
    {
        foreach (var id in new[] { 0, 7, 200_000, SequenceBatch.Ignored })
        {
            Assert.False(PicturePlace.Is(id));
            Assert.Null(PicturePlace.Size(id));
            Assert.Equal(1, PicturePlace.Positions(id, imageTokens: 5));
        }

        Assert.True(PicturePlace.Is(SequenceBatch.ImagePlaceholder));
        Assert.Equal(5, PicturePlace.Positions(SequenceBatch.ImagePlaceholder, imageTokens: 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => PicturePlace.Of(0, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => PicturePlace.Of(3, PicturePlace.Longest + 1));
    }

    [Fact]
    public void Sequences_are_measured_and_cut_by_the_sizes_of_their_pictures()
    {
        int[] ids = [1, PicturePlace.Of(2, 3), 4, PicturePlace.Of(1, 2), 5, 6];
        int[] labels = [-100, -100, -100, -100, 5, 6];
        var sequence = new TokenSequence(ids, labels);
        Assert.Equal(new SequenceSize(12, 2, 2), sequence.Measure(imageTokens: 0, maxLength: 50));
        Assert.Equal(new SequenceSize(11, 1, 2), sequence.Measure(imageTokens: 0, maxLength: 11));
        Assert.Equal((4, 1), EvaluationCut.Range(ids, imageTokens: 0, limit: 11));
        Assert.Equal(-6 + 3 - 2 + 2, PicturePlace.Shift(ids));
    }

    [Fact]
    public void Positions_have_a_time_a_height_and_a_width_where_a_picture_keeps_its_size()
    {
        using var scope = NewDisposeScope();
        using var batch = SequenceBatch.Create([new([9, PicturePlace.Of(2, 3), 8], null), new([7], null)], 0, 100, CPU);
        Assert.Equal([8, 1], batch.Sequences.Lengths);
        Assert.Equal(
            [0, 0, 0, 1, 1, 1, 1, 1, 2, 1, 1, 3, 1, 2, 1, 1, 2, 2, 1, 2, 3, 4, 4, 4, 0, 0, 0],
            batch.RotaryPositions.data<long>().ToArray()
        );

        // Rows of the features follow those of the text.
        Assert.Equal([0, 3, 4, 5, 6, 7, 8, 1, 2], batch.Order.data<long>().ToArray());
        using var later = SequenceBatch.Create([new([PicturePlace.Of(1, 2), 8], null)], 0, 100, CPU, [5]);
        Assert.Equal([5, 5, 5, 5, 5, 6, 7, 7, 7], later.RotaryPositions.data<long>().ToArray());
        using var text = SequenceBatch.Create([new([9, 8], null)], 0, 100, CPU);
        Assert.Null(text.Axes);
    }
}
