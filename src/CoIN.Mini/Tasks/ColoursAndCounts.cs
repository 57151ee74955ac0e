using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>The miniature of VQAv2: colours, counts, yes and no.</summary>
internal static class ColoursAndCounts
{
    private static readonly string[] Numbers = ["zero", "one", "two", "three", "four"];

    public static MiniItem Draw(SeededRandom random) =>
        random.Next(5) switch
        {
            0 or 1 => Colour(random),
            2 or 3 => Count(random),
            _ => Presence(random),
        };

    private static MiniItem Colour(SeededRandom random)
    {
        var scene = ObjectScene.AllDifferent(random, 1 + random.Next(3));
        var thing = random.Of(scene.Things);
        return new MiniItem(
            scene.Picture,
            new($"What color is the {thing.Shape}?", thing.Colour),
            random.Of([
                new Wording($"Tell me about the color of the {thing.Shape}.", $"the {thing.Shape} has the color {thing.Colour}."),
                new Wording($"Describe the {thing.Shape}.", $"this {thing.Shape} looks {thing.Colour}."),
            ])
        );
    }

    private static MiniItem Count(SeededRandom random)
    {
        var shape = random.Of(Shapes.Names);
        var count = 1 + random.Next(4);
        var scene = ObjectScene.Several(random, shape, count, random.Next(3));
        return new MiniItem(
            scene.Picture,
            new($"How many {Shapes.Plural(shape)} are there?", $"{count}"),
            random.Of([
                new Wording($"Please count every {shape}.", $"the number of shapes like that is {Numbers[count]}."),
                new Wording($"Tell me the number of {Shapes.Plural(shape)}.", $"there seem to be {Numbers[count]} of them."),
            ])
        );
    }

    private static MiniItem Presence(SeededRandom random)
    {
        var scene = ObjectScene.AllDifferent(random, 2 + random.Next(2));
        var present = random.Chance(0.5);
        var shape = present
            ? random.Of(scene.Things).Shape
            : random.Of([.. Shapes.Names.Except(scene.Things.Select(thing => thing.Shape))]);
        return new MiniItem(
            scene.Picture,
            new($"Is there a {shape}?", present ? "yes" : "no"),
            random.Of([
                new Wording($"Look for some {shape}.", present ? $"one {shape} can be seen." : $"the {shape} is missing."),
                new Wording($"Tell me if the {shape} is here.", present ? "it certainly is here." : "it is missing."),
            ])
        );
    }
}
