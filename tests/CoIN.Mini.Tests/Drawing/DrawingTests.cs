using CoIN.Mini.Drawing;

namespace CoIN.Mini.Tests.Drawing;

public sealed class DrawingTests
{
    private static readonly Rgb Black = new(0, 0, 0),
        White = new(255, 255, 255);

    [Fact]
    public void A_rectangle_is_painted_to_the_pixel_and_cut_at_the_border()
    {
        var canvas = new Canvas(Black);
        canvas.Fill(-2, 46, 5, 9, White);
        Assert.Equal(3 * 2, Painted(canvas));
        Assert.Equal([255, 255, 255], canvas.Pixels[(46 * Canvas.Size * 3)..][..3]);
    }

    [Theory]
    [InlineData("circle", 0.70, 0.87)]
    [InlineData("square", 1, 1)]
    [InlineData("triangle", 0.40, 0.60)]
    [InlineData("cross", 0.45, 0.65)]
    [InlineData("diamond", 0.40, 0.60)]
    [InlineData("ring", 0.45, 0.65)]
    public void A_shape_covers_its_part_of_its_box_and_nothing_outside(string shape, double least, double most)
    {
        var canvas = new Canvas(Black);
        Shapes.Draw(canvas, shape, 8, 16, 24, 16, White);
        Assert.InRange(Painted(canvas) / (24.0 * 16), least, most);
        canvas.Fill(8, 16, 24, 16, Black);
        Assert.Equal(0, Painted(canvas));
    }

    [Fact]
    public void All_letters_differ_by_at_least_two_dots_and_keep_to_their_cell()
    {
        var letters = Enumerable
            .Range('a', 26)
            .Select(letter =>
            {
                var canvas = new Canvas(Black);
                Lettering.Draw(canvas, ((char)letter).ToString(), 0, 0, White);
                Assert.InRange(Painted(canvas), 4 * 9, 4 * 35);
                var pixels = (byte[])canvas.Pixels.Clone();
                canvas.Fill(0, 0, Lettering.Advance, 14, Black);
                Assert.Equal(0, Painted(canvas));
                return pixels;
            })
            .ToList();
        for (var i = 0; i < letters.Count; i++)
        {
            Assert.All(letters.Skip(i + 1), other => Assert.InRange(Different(letters[i], other) / 12, 2, int.MaxValue));
        }
    }

    [Fact]
    public void All_icons_differ_in_many_pixels_and_keep_to_their_square()
    {
        var icons = Icons
            .Names.Select(name =>
            {
                var canvas = new Canvas(Black);
                Icons.Draw(canvas, name, 8, 8, White);
                var pixels = (byte[])canvas.Pixels.Clone();
                canvas.Fill(8, 8, Icons.Size, Icons.Size, Black);
                Assert.Equal(0, Painted(canvas));
                return pixels;
            })
            .ToList();
        for (var i = 0; i < icons.Count; i++)
        {
            Assert.All(icons.Skip(i + 1), other => Assert.InRange(Different(icons[i], other) / 3, 120, int.MaxValue));
        }
    }

    [Fact]
    public void Dimming_scales_every_channel_and_blurring_mixes_neighbours_only()
    {
        var canvas = new Canvas(White);
        canvas.Dim(0.5);
        Assert.All(canvas.Pixels, channel => Assert.Equal(127, channel));
        canvas.Blur(2);
        Assert.All(canvas.Pixels, channel => Assert.Equal(127, channel));
        var dot = new Canvas(Black);
        dot.Set(20, 20, White);
        dot.Blur(1);
        Assert.Equal(9, Painted(dot));
        Assert.Equal(255 / 9, dot.Pixels.Max());
    }

    [Fact]
    public void Colours_are_far_from_each_other_and_from_each_background()
    {
        var colours = Palette.Names.Select(Palette.Of).Concat([Palette.Background(0), Palette.Background(15)]).ToList();
        for (var i = 0; i < Palette.Names.Count; i++)
        {
            Assert.All(colours.Skip(i + 1), other => Assert.InRange(Distance(colours[i], other), 60, int.MaxValue));
        }
    }

    private static int Painted(Canvas canvas) => canvas.Pixels.Chunk(3).Count(pixel => pixel[0] != 0);

    private static int Different(byte[] one, byte[] other) => one.Zip(other).Count(pair => pair.First != pair.Second);

    private static int Distance(Rgb one, Rgb other) =>
        Math.Abs(one.Red - other.Red) + Math.Abs(one.Green - other.Green) + Math.Abs(one.Blue - other.Blue);
}
