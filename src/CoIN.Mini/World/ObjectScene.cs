using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;

namespace CoIN.Mini.World;

/// <summary>A shape in a scene.</summary>
/// <param name="Column">Cell, from the left.</param>
/// <param name="Row">Cell, from the top.</param>
internal sealed record Thing(string Shape, string Colour, int Column, int Row)
{
    public string Name => $"{Colour} {Shape}";
}

/// <summary>Shapes on a grid of three by three cells, each of two by two patches.</summary>
internal sealed class ObjectScene
{
    private const int Grid = 3,
        Cell = Canvas.Size / Grid,
        Margin = 1;

    private ObjectScene(Canvas picture, IReadOnlyList<Thing> things)
    {
        Picture = picture;
        Things = things;
    }

    public Canvas Picture { get; }

    public IReadOnlyList<Thing> Things { get; }

    /// <summary>Draws things of different shapes and colours, in different cells.</summary>
    public static ObjectScene AllDifferent(SeededRandom random, int count)
    {
        var cells = random.Several(Enumerable.Range(0, Grid * Grid), count);
        List<string> shapes = random.Several(Shapes.Names, count),
            colours = random.Several(Palette.Names, count);
        return Draw(random, [.. cells.Select((cell, i) => new Thing(shapes[i], colours[i], cell % Grid, cell / Grid))]);
    }

    /// <summary>Draws some things of one shape among some of others, for counting.</summary>
    public static ObjectScene Several(SeededRandom random, string shape, int count, int others)
    {
        var cells = random.Several(Enumerable.Range(0, Grid * Grid), count + others);
        var rest = Shapes.Names.Where(name => name != shape).ToList();
        return Draw(
            random,
            [
                .. cells.Select(
                    (cell, i) => new Thing(i < count ? shape : random.Of(rest), random.Of(Palette.Names), cell % Grid, cell / Grid)
                ),
            ]
        );
    }

    /// <summary>Draws two things side by side or one above the other.</summary>
    /// <param name="vertical">One above the other.</param>
    public static ObjectScene Pair(SeededRandom random, bool vertical)
    {
        List<string> shapes = random.Several(Shapes.Names, 2),
            colours = random.Several(Palette.Names, 2);
        int lane = random.Next(Grid),
            first = random.Next(Grid - 1),
            second = first + 1 + random.Next(Grid - 1 - first);
        Thing At(int i, int place) => vertical ? new(shapes[i], colours[i], lane, place) : new(shapes[i], colours[i], place, lane);
        return Draw(random, [At(0, first), At(1, second)]);
    }

    private static ObjectScene Draw(SeededRandom random, IReadOnlyList<Thing> things)
    {
        var canvas = new Canvas(Palette.Background(random.Next(16)));
        foreach (var thing in things)
        {
            // On the borders of patches: a tower of this size does not learn shapes that may begin at any pixel.
            Shapes.Draw(
                canvas,
                thing.Shape,
                (thing.Column * Cell) + Margin,
                (thing.Row * Cell) + Margin,
                Cell - (2 * Margin),
                Cell - (2 * Margin),
                Palette.Of(thing.Colour)
            );
        }

        return new ObjectScene(canvas, things);
    }
}
