using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Tasks;

namespace CoIN.Mini.Pretraining;

/// <summary>One item of the corpus.</summary>
/// <param name="Kind">Folder of the task whose knowledge it holds, or <see cref="PretrainingCorpus.Saying"/>.</param>
/// <param name="Rgb">[rows, columns, 3]; null for words alone.</param>
internal sealed record CorpusSample(string Kind, byte[]? Rgb, string Question, string Answer);

/// <summary>
/// An endless corpus of pictures with questions and full-sentence answers: what the benchmark's tasks are about, in other words and never
/// in their form. Every item is a function of seed and position.
/// </summary>
internal sealed class PretrainingCorpus(long seed)
{
    // Keeps the corpus's random numbers apart from those of the data sets.
    private const long Stream = 0x636f72707573;

    /// <summary>Kind of the samples without a picture.</summary>
    public const string Saying = "saying";

    private const double SayingWeight = 1.25;

    private static readonly double Total = MiniTasks.All.Sum(task => task.CorpusWeight) + SayingWeight;

    public CorpusSample Draw(long position)
    {
        var random = new SeededRandom(SeededRandom.Combine(seed, Stream, position));
        var at = random.NextDouble() * Total;
        if (MiniTasks.All.FirstOrDefault(task => (at -= task.CorpusWeight) < 0) is not { } task)
        {
            var (question, answer) = Sayings.Draw(random);
            return new CorpusSample(Saying, null, question, answer);
        }

        var item = task.Draw(random);
        return new CorpusSample(task.Folder, item.Picture.Pixels, item.Sentence.Question, item.Sentence.Answer);
    }
}
