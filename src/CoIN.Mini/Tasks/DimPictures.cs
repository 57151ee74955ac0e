using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>The miniature of VizWiz: pictures that are dim or out of focus, some of them too dim to answer.</summary>
internal static class DimPictures
{
    public static MiniItem Draw(SeededRandom random)
    {
        string shape = random.Of(Shapes.Names),
            colour = random.Of(Palette.Names);
        var canvas = new Canvas(Palette.Background(random.Next(16)));
        Shapes.Draw(canvas, shape, 8 * random.Next(4), 8 * random.Next(4), 24, 24, Palette.Of(colour));
        canvas.Blur(1 + random.Next(2));
        var hopeless = random.Chance(0.3);
        canvas.Dim(hopeless ? 0.04 + (0.02 * random.NextDouble()) : 0.35 + (0.3 * random.NextDouble()));
        var aboutColour = random.Chance(0.5);
        var question = aboutColour ? "What color is this?" : "What shape is this?";
        var asked = aboutColour ? "Can you make out the color?" : "Can you make out the shape?";
        return hopeless
            ? new MiniItem(canvas, new(question, "unanswerable"), new(asked, "it is far too dark to tell."))
            : new MiniItem(
                canvas,
                new(question, aboutColour ? colour : shape),
                random.Of([
                    new Wording(
                        asked,
                        aboutColour ? $"it appears to be {colour} in this light." : $"it appears to be some {shape} in this light."
                    ),
                    new Wording("Tell me about this dim picture.", $"someone photographed the {colour} {shape}."),
                ])
            );
    }
}
