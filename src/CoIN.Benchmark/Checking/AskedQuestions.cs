using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>The questions of a task's two files, to find those that are in both.</summary>
internal sealed class AskedQuestions
{
    private readonly List<(int Image, UInt128 Question, int Line)> training = [];
    private readonly List<(int Image, UInt128 Question, SamplePlace Place)> test = [];

    /// <param name="image">Index of the sample's image, −1 without one.</param>
    public void AddTraining(int image, CheckedSample sample) =>
        training.AddRange(sample.Questions.Select(question => (image, question, sample.Line)));

    /// <inheritdoc cref="AddTraining"/>
    public void AddTest(int image, CheckedSample sample, SamplePlace place) =>
        test.AddRange(sample.Questions.Select(question => (image, question, place)));

    /// <summary>
    /// Test questions which training asks too, about an equal image or both without one, with the first training line that does.
    /// </summary>
    /// <param name="identity">What is equal for equal images, by index.</param>
    public IEnumerable<(SamplePlace Place, int Image, int TrainingLine)> Leaked(Func<int, UInt128> identity)
    {
        var asked = new Dictionary<(UInt128 Image, UInt128 Question), int>(training.Count);
        foreach (var (image, question, line) in training)
        {
            asked.TryAdd((image < 0 ? 0 : identity(image), question), line);
        }

        foreach (var (image, question, place) in test)
        {
            if (asked.TryGetValue((image < 0 ? 0 : identity(image), question), out var line))
            {
                yield return (place, image, line);
            }
        }
    }
}
