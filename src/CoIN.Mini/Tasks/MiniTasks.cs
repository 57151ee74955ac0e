using CoIN.Mini.World;

namespace CoIN.Mini.Tasks;

/// <summary>One miniature task.</summary>
/// <param name="Folder">CoIN's folder of the task that it is the miniature of.</param>
/// <param name="Instruction">The published last line of its questions; empty where the question is instruction enough.</param>
/// <param name="CorpusWeight">Its share in the pre-training corpus: more for what is learned slowest.</param>
internal sealed record MiniTask(string Folder, string Instruction, double CorpusWeight, DrawItem Draw);

/// <summary>The eight miniature tasks, in the paper's order.</summary>
internal static class MiniTasks
{
    private const string Short = "Answer the question using a single word or phrase";

    public static IReadOnlyList<MiniTask> All { get; } =
    [
        new("ScienceQA", "Answer with the option's letter from the given choices directly", 1, MultipleChoice.Draw),
        new("TextVQA", Short, 0.5, SignReading.Draw),
        new("ImageNet", Short, 0.75, ObjectClasses.Draw),
        new("GQA", Short, 1.75, Relations.Draw),
        new("VizWiz", Short, 0.75, DimPictures.Draw),
        new("Grounding", "", 2, Boxes.Draw),
        new("VQAv2", Short, 1.5, ColoursAndCounts.Draw),
        new("OCRVQA", Short, 0.75, BookCovers.Draw),
    ];
}
