using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;
using CoIN.Mini.Drawing;
using CoIN.Mini.Tests.Support;
using SkiaSharp;

namespace CoIN.Mini.Tests;

public sealed class DataFilesTests(GeneratedData data) : IClassFixture<GeneratedData>
{
    public static TheoryData<string> Folders => Miniatures.Folders;

    [Theory, MemberData(nameof(Folders))]
    public void The_reader_of_real_data_sets_reads_the_training_file_and_finds_its_pictures(string folder)
    {
        var training = TrainingSamples.Read(File(folder, MiniDataset.TrainSplit));
        Assert.Equal(GeneratedData.Options.TrainPerTask, training.Count);
        Assert.All(training, sample =>
        {
            Assert.StartsWith("<image>\n", sample.Conversations[0].Value, StringComparison.Ordinal);
            Assert.True(System.IO.File.Exists(Image(sample.Image!)));
        });
    }

    [Theory, MemberData(nameof(Folders))]
    public void The_reader_of_real_data_sets_reads_the_test_file_and_each_reference_answer_scores_full_marks(string folder)
    {
        var test = TestSamples.Read(File(folder, MiniDataset.TestSplit));
        Assert.Equal(GeneratedData.Options.TestPerTask, test.Count);
        Assert.All(test, sample => Assert.True(System.IO.File.Exists(Image(sample.Image!))));
        var predictions = test.Select(sample => new Prediction(sample.QuestionId, sample.Answer)).ToList();
        Assert.Equal(100, TruthAlignment.Score(Miniatures.ScorerKey(folder), test, predictions).AccuracyPercent);
    }

    [Fact]
    public void A_sign_has_ten_answers_and_a_box_is_told_for_the_padded_and_the_unpadded_picture()
    {
        Assert.All(TestSamples.Read(File("TextVQA", MiniDataset.TestSplit)), sample => Assert.Equal(10, sample.Answers.Count));
        Assert.All(TestSamples.Read(File("Grounding", MiniDataset.TestSplit)), sample =>
        {
            Assert.Equal(sample.Answer, sample.UnpaddedBox);
            Assert.Equal((Canvas.Size, Canvas.Size), sample.Size);
        });
    }

    [Theory, MemberData(nameof(Folders))]
    public void A_picture_file_decodes_to_the_pixels_that_were_drawn(string folder)
    {
        for (var i = 0; i < GeneratedData.Options.TestPerTask; i++)
        {
            var drawn = MiniDataset.Draw(Miniatures.Task(folder), MiniDataset.TestSplit, GeneratedData.Options.Seed, i).Picture.Pixels;
            using var bitmap = SKBitmap.Decode(Image($"./{folder}/test/{i:00000}.png"));
            Assert.Equal((Canvas.Size, Canvas.Size), (bitmap.Width, bitmap.Height));
            Assert.Equal(drawn, bitmap.Pixels.SelectMany(pixel => new[] { pixel.Red, pixel.Green, pixel.Blue }));
        }
    }

    private string File(string folder, string split) => Path.Combine(data.Folder, MiniDataset.Instructions, folder, $"{split}.json");

    private string Image(string relative) => Path.Combine(data.Folder, MiniDataset.Images, relative);
}
