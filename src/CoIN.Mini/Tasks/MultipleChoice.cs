using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>The miniature of ScienceQA: two or three options, of which the picture decides one.</summary>
internal static class MultipleChoice
{
    private static readonly string[] Ordinals = ["first", "second", "third"];

    // A question's options always stand in the same order, as in a textbook.
    private static readonly string[][] Options =
    [
        ["red", "green", "blue"],
        ["yellow", "purple", "orange"],
        ["white", "cyan"],
        ["circle", "square", "triangle"],
        ["cross", "diamond", "ring"],
    ];

    public static MiniItem Draw(SeededRandom random)
    {
        var scene = ObjectScene.AllDifferent(random, 1);
        var thing = scene.Things[0];
        var aboutColour = random.Chance(0.6);
        var truth = aboutColour ? thing.Colour : thing.Shape;
        var options = Options.First(group => group.Contains(truth));
        var right = Array.IndexOf(options, truth);
        var list = string.Join("\n", options.Select((option, i) => $"{(char)('A' + i)}. {option}"));
        var question = aboutColour ? $"Which color does the {thing.Shape} have?" : $"Which shape is {thing.Colour}?";
        return new MiniItem(
            scene.Picture,
            new($"{question}\n{list}", $"{(char)('A' + right)}"),
            random.Of([
                new Wording($"Compare this with the picture.\n{list}", $"{truth} fits, which is the {Ordinals[right]} one."),
                new Wording($"Which of them is here?\n{list}", $"the {Ordinals[right]} one, {truth}, is here."),
            ])
        );
    }
}
