using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>The miniature of ScienceQA: three options, of which the picture decides one.</summary>
internal static class MultipleChoice
{
    private static readonly string[] Ordinals = ["first", "second", "third"];

    public static MiniItem Draw(SeededRandom random)
    {
        var scene = ObjectScene.AllDifferent(random, 1);
        var thing = scene.Things[0];
        var aboutColour = random.Chance(0.6);
        var truth = aboutColour ? thing.Colour : thing.Shape;
        var wrong = (aboutColour ? Palette.Names : Shapes.Names).Except(scene.Things.Select(one => aboutColour ? one.Colour : one.Shape));
        var options = random.Several([truth, .. random.Several(wrong, 2)], 3);
        var right = options.IndexOf(truth);
        var list = string.Join("\n", options.Select((option, i) => $"{(char)('A' + i)}. {option}"));
        var question = aboutColour ? $"Which color does the {thing.Shape} have?" : $"Which shape is {thing.Colour}?";
        return new MiniItem(
            scene.Picture, new($"{question}\n{list}", $"{(char)('A' + right)}"),
            random.Of([
                new Wording($"Compare this with the picture.\n{list}", $"{truth} fits, which is the {Ordinals[right]} one."),
                new Wording($"Which of them is here?\n{list}", $"the {Ordinals[right]} one, {truth}, is here."),
            ]));
    }
}
