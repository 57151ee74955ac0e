using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>The miniature of Grounding: the box of a described thing, its edges on the borders of patches.</summary>
internal static class Boxes
{
    private const int Step = 8,
        Steps = Canvas.Size / Step;

    public static MiniItem Draw(SeededRandom random)
    {
        List<string> shapes = random.Several(Shapes.Names, 2),
            colours = random.Several(Palette.Names, 2);
        var canvas = new Canvas(Palette.Background(random.Next(16)));
        List<(int Left, int Top, int Right, int Bottom)> boxes = [];
        var things = random.Chance(0.3) ? 2 : 1;
        while (boxes.Count < things)
        {
            int width = 2 + random.Next(2),
                height = 2 + random.Next(2),
                left = random.Next(Steps - width + 1),
                top = random.Next(Steps - height + 1);
            (int Left, int Top, int Right, int Bottom) box = (left, top, left + width, top + height);
            if (
                boxes.All(other => box.Left >= other.Right || other.Left >= box.Right || box.Top >= other.Bottom || other.Top >= box.Bottom)
            )
            {
                Shapes.Draw(
                    canvas,
                    shapes[boxes.Count],
                    left * Step,
                    top * Step,
                    width * Step,
                    height * Step,
                    Palette.Of(colours[boxes.Count])
                );
                boxes.Add(box);
            }
        }

        var name = $"{colours[0]} {shapes[0]}";
        var (x1, y1, x2, y2) = boxes[0];
        string At(int edge) => (edge / (double)Steps).ToString("0.00", CultureInfo.InvariantCulture);
        return new MiniItem(
            canvas,
            new(
                $"Please provide the bounding box coordinate of the region this sentence describes: {name}",
                $"[{At(x1)}, {At(y1)}, {At(x2)}, {At(y2)}]"
            ),
            random.Of([
                new Wording($"Find the {name}.", $"it goes from {At(x1)} and {At(y1)} up to {At(x2)} and {At(y2)}."),
                new Wording(
                    $"Tell me about the place of the {name}.",
                    $"it begins at {At(x1)} and {At(y1)} and ends at {At(x2)} and {At(y2)}."
                ),
            ])
        );
    }
}
