using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>The miniature of GQA: what lies beside, above or below what.</summary>
internal static class Relations
{
    public static MiniItem Draw(SeededRandom random)
    {
        var vertical = random.Chance(0.5);
        var scene = ObjectScene.Pair(random, vertical);

        // The first thing is left of the second, or above it.
        var (subject, other, relation, sentence) = (vertical, random.Chance(0.5)) switch
        {
            (true, true) => (scene.Things[0], scene.Things[1], "above", "higher than"),
            (true, false) => (scene.Things[1], scene.Things[0], "below", "lower than"),
            (false, true) => (scene.Things[0], scene.Things[1], "left of", "on the left side of"),
            _ => (scene.Things[1], scene.Things[0], "right of", "on the right side of"),
        };
        var wording = random.Of([
            new Wording(
                $"Compare the place of the {subject.Shape} and the {other.Shape}.",
                $"the {subject.Shape} is {sentence} the {other.Shape}."
            ),
            new Wording($"Tell me what sits {sentence} the {other.Shape}.", $"the {subject.Colour} {subject.Shape} sits there."),
        ]);
        return random.Next(3) switch
        {
            0 => new MiniItem(scene.Picture, new($"What shape is {relation} the {other.Shape}?", subject.Shape), wording),
            1 => new MiniItem(scene.Picture, new($"What color is the shape {relation} the {other.Shape}?", subject.Colour), wording),
            _ => new MiniItem(
                scene.Picture,
                new($"Where is the {subject.Shape}, seen from the {other.Shape}?", relation.Split(' ')[0]),
                wording
            ),
        };
    }
}
