using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>
/// The miniature of ImageNet: one thing, named. The corpus calls every thing by another word, because the published rule counts an answer
/// that merely contains the class's name.
/// </summary>
internal static class ObjectClasses
{
    private static readonly Dictionary<string, string> Synonyms = new()
    {
        ["boat"] = "vessel",
        ["house"] = "cottage",
        ["tree"] = "oak",
        ["fish"] = "trout",
        ["car"] = "automobile",
        ["cup"] = "mug",
        ["key"] = "opener",
        ["moon"] = "crescent",
        ["ladder"] = "steps",
        ["flag"] = "banner",
        ["arrow"] = "pointer",
        ["umbrella"] = "parasol",
    };

    public static MiniItem Draw(SeededRandom random)
    {
        var icon = random.Of(Icons.Names);
        var canvas = new Canvas(Palette.Background(random.Next(16)));
        const int Step = 8,
            Places = ((Canvas.Size - Icons.Size) / Step) + 1;
        Icons.Draw(canvas, icon, random.Next(Places) * Step, random.Next(Places) * Step, Palette.Of(random.Of(Palette.Names)));
        var name = Synonyms[icon];
        return new MiniItem(
            canvas,
            new("What is the object in the image?", icon),
            random.Of([
                new Wording("Tell me about this picture.", $"the picture shows some {name}."),
                new Wording("Describe the thing.", $"it must be one {name}."),
            ])
        );
    }
}
