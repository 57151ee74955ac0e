using CoIN.Benchmark.Data;
using CoIN.Benchmark.Instructions;

namespace CoIN.Benchmark.Building;

/// <summary>Makes one task's samples of its raw data set.</summary>
internal abstract class TaskBuilder
{
    /// <summary>The paper's name of the task.</summary>
    public abstract string Task { get; }

    /// <summary>The task's folder in the instructions folder.</summary>
    public virtual string Folder => Task;

    /// <summary>The file of test samples.</summary>
    public virtual string TestFile => "test.json";

    /// <summary>Where the data set's images are below the image root.</summary>
    public abstract string ImageFolder { get; }

    /// <summary>Reads the raw data set.</summary>
    /// <param name="context">The raw folder, the options, and who is told what was left out.</param>
    /// <exception cref="CoinException">Something is missing or cannot be used; the message names file, entry and remedy.</exception>
    public abstract RawData Read(BuildContext context);

    /// <summary>Joins a question with its worded instruction: the instruction is the last line.</summary>
    public virtual string Ask(string question, string instruction) => $"{question}\n{instruction}";
}

/// <summary>What a builder works with.</summary>
/// <param name="Raw">The raw folder.</param>
/// <param name="Options">How to build.</param>
/// <param name="ImageFolder">The image folder relative to the image root.</param>
/// <param name="Training">Counts what is left out of the training set.</param>
/// <param name="Test">Counts what is left out of the test set.</param>
/// <param name="Stop">Ends the build.</param>
internal sealed record BuildContext(
    RawFolder Raw,
    BuildOptions Options,
    string ImageFolder,
    Drops Training,
    Drops Test,
    CancellationToken Stop
)
{
    /// <summary>Reads a JSON file of the raw folder.</summary>
    public RawJson Json(string name) => new(Raw.File(name), Stop);

    /// <summary>The path of an image relative to the image root.</summary>
    public string Image(params string[] parts) => string.Join('/', [ImageFolder, .. parts]);

    /// <summary>A random source that depends on the seed and a name alone.</summary>
    public SeededRandom Random(string name) => new(SeededRandom.Combine(Options.Seed, TaskInstructions.StableHash(name)));

    /// <summary>Makes training samples of questions about images, by the grouping that was chosen.</summary>
    /// <param name="questions">Id of the question, id and path of its image, question and answer, in file order.</param>
    public IReadOnlyList<RawTraining> Group(IEnumerable<(string Id, string ImageId, string Image, RawTurn Turn)> questions)
    {
        if (Options.Grouping == QuestionGrouping.Each)
        {
            return [.. questions.Select(question => new RawTraining(question.Id, question.Image, [question.Turn]))];
        }

        var images = new OrderedDictionary<string, (string Image, List<RawTurn> Turns)>(StringComparer.Ordinal);
        foreach (var (_, imageId, image, turn) in questions)
        {
            if (!images.TryGetValue(imageId, out var known))
            {
                images.Add(imageId, known = (image, []));
            }

            known.Turns.Add(turn);
        }

        return
        [
            .. images.Select(pair => new RawTraining(
                pair.Key,
                pair.Value.Image,
                Options.Grouping == QuestionGrouping.PerImage
                    ? pair.Value.Turns
                    : [pair.Value.Turns[Random(pair.Key).Next(pair.Value.Turns.Count)]]
            )),
        ];
    }
}
