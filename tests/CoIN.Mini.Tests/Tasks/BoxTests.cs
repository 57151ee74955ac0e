using System.Globalization;
using CoIN.Mini.Drawing;
using CoIN.Mini.Tests.Support;

namespace CoIN.Mini.Tests.Tasks;

public sealed class BoxTests
{
    [Fact]
    public void The_box_encloses_the_described_thing_to_within_two_pixels() => Assert.All(Miniatures.Items("Grounding", 300), item =>
        {
            var colour = Palette.Of(item.Short.Question.Split(' ')[^2]);
            var (left, top, right, bottom) = Extent(item.Picture, colour);
            var edges = Edges(item.Short.Answer);
            Assert.InRange(Math.Abs(left - edges[0]), 0, 2.2);
            Assert.InRange(Math.Abs(top - edges[1]), 0, 2.2);
            Assert.InRange(Math.Abs(right - edges[2]), 0, 2.2);
            Assert.InRange(Math.Abs(bottom - edges[3]), 0, 2.2);
        });

    [Fact]
    public void The_sentence_tells_the_edges_of_the_same_box() => Assert.All(Miniatures.Items("Grounding", 300), item =>
        {
            var told = item.Sentence.Answer.TrimEnd('.').Split(' ').Where(word => char.IsDigit(word[0]));
            Assert.Equal(item.Short.Answer.Trim('[', ']').Split(", "), told);
        });

    private static double[] Edges(string box) =>
        [.. box.Trim('[', ']').Split(", ").Select(edge => double.Parse(edge, CultureInfo.InvariantCulture) * Canvas.Size)];

    /// <summary>The rectangle that holds all pixels of a colour; right and bottom are exclusive.</summary>
    private static (int Left, int Top, int Right, int Bottom) Extent(Canvas canvas, Rgb colour)
    {
        var found = Enumerable
            .Range(0, Canvas.Size * Canvas.Size)
            .Where(at => canvas.Pixels.AsSpan(at * 3, 3).SequenceEqual([colour.Red, colour.Green, colour.Blue]))
            .Select(at => (X: at % Canvas.Size, Y: at / Canvas.Size))
            .ToList();
        return (found.Min(pixel => pixel.X), found.Min(pixel => pixel.Y), found.Max(pixel => pixel.X) + 1, found.Max(pixel => pixel.Y) + 1);
    }
}
