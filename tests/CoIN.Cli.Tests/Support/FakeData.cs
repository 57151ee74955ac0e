using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Cli.Engine;

namespace CoIN.Cli.Tests.Support;

/// <summary>Eyes that take every file for a whole image and every letter for a token.</summary>
internal sealed class FakeData : IDataTools, IImageInspector, ISampleRenderer
{
    public IImageInspector Inspector => this;

    /// <summary>The experiments whose samples were to be rendered.</summary>
    public List<ExperimentOptions> Opened { get; } = [];

    public ISampleRenderer Renderer(ExperimentOptions options)
    {
        Opened.Add(options);
        return this;
    }

    public ImageFacts Inspect(string path) =>
        File.Exists(path)
            ? new ImageFacts(ImageState.Whole, null, "PNG", ImageTraits.None, 4, 3, (UInt128)path.GetHashCode(StringComparison.Ordinal))
            : ImageFacts.Missing;

    public IReadOnlyList<string> Extensions(string format) => [".png"];

    public SampleView Render(TrainingSample sample) => View(sample.Conversations[0].Value, sample.Conversations[1].Value);

    public SampleView Render(TestSample sample) => View(sample.Text, "");

    public PictureView SavePicture(string image, string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, image);
        return new PictureView(4, 3, 2, 2);
    }

    private static SampleView View(string question, string answer) =>
        new(
            question + answer,
            [
                new TokenView(-1, "<image>", IsImage: true, IsLearned: false, IsCut: false, Positions: 9),
                .. (question + answer).Select((letter, i) => new TokenView(letter, $"{letter}", false, i >= question.Length, i >= 60)),
            ],
            Limit: 69
        );
}
