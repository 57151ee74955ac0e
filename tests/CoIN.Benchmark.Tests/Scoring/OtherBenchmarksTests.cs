using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Tests.Scoring;

/// <summary>The rules of UCIT, MLLM-CL and TriGap: as published, and corrected.</summary>
public sealed class OtherBenchmarksTests
{
    [Theory]
    [InlineData("ucit", "b", "B", 1, 1)]
    [InlineData("ucit", "Goldfish", "the goldfish.", 0, 1)]
    [InlineData("ucit", "3", "3 objects", 0, 0)]
    [InlineData("mllm-cl", "no", "north", 1, 0)]
    [InlineData("mllm-cl", "Forest", "It is a forest.", 1, 1)]
    [InlineData("mllm-cl", "yes", "Unanswerable, yes", 0, 1)]
    [InlineData("mllm-cl-perception", "(A) left.", "The answer is ( a ) left", 1, 1)]
    [InlineData("mllm-cl-perception", "2", "12", 1, 0)]
    [InlineData("anls", "Mount Everest", "mount everst ", 12 / 13.0, 12 / 13.0)]
    [InlineData("anls", "abcd", "axyz", 0.25, 0)]
    [InlineData("anls", "abcd", "abxx", 0.5, 0.5)]
    public void Published_and_corrected(string key, string answer, string prediction, double published, double corrected)
    {
        var sample = new TestSample("1", "images/x.png", "q", answer);

        Assert.Equal(published, Scorers.Of(key).Score(sample, prediction), 12);
        Assert.Equal(corrected, Scorers.Of(key, ScoringKind.Corrected).Score(sample, prediction), 12);
    }

    [Fact]
    public void The_best_of_several_answers_counts_for_documents()
    {
        var sample = new TestSample("1", null, "q", "twelve") { Answers = ["twelve", "12"] };

        Assert.Equal(1, Scorers.Of("anls").Score(sample, "12"));
    }

    [Theory]
    [InlineData("sci/images/AI2D_1.png", "What?", "Root", "the root", 0, 1)]
    [InlineData("sci/images/AI2D_1.png", "What?", "root", "ROOT", 1, 1)]
    [InlineData("sci/images/map_1.png", "What?", "root", "a root", 1, 1)]
    [InlineData("sci/images/map_1.png", "What?", "no", "north", 1, 0)]
    [InlineData("sci/images/map_1.png", "Which states?", "Ohio, Iowa", "iowa, ohio", 0, 1)]
    [InlineData("sci/images/map_1.png", "Which states?", "Ohio,Iowa", "Iowa,Utah", 0.5, 1 / 3.0)]
    [InlineData("sci/images/map_1.png", "Which states?", "Ohio", "Ohio,Iowa,Utah,Maine", 1, 0.25)]
    public void Science_is_scored_by_the_source_of_its_picture(
        string image,
        string question,
        string answer,
        string prediction,
        double published,
        double corrected
    )
    {
        var sample = new TestSample("1", image, question, answer);

        Assert.Equal(published, Scorers.Of("mllm-cl-science").Score(sample, prediction), 12);
        Assert.Equal(corrected, Scorers.Of("mllm-cl-science", ScoringKind.Corrected).Score(sample, prediction), 12);
    }

    [Theory]
    [InlineData(null, "ART", "start", 1, 0)]
    [InlineData("Doc-oriented VQA", "12 May", "on 12 may", 1, 1)]
    [InlineData("Handwritten Mathematical Expression Recognition", "x ^ 2", "y=x^2", 1, 1)]
    [InlineData("Handwritten Mathematical Expression Recognition", "X", "x", 0, 0)]
    public void OCRBench_reads_formulas_with_their_case(string? kind, string answer, string prediction, double published, double corrected)
    {
        var sample = new TestSample("1", null, "q", answer) { Kind = kind };

        Assert.Equal(published, Scorers.Of("ocrbench").Score(sample, prediction));
        Assert.Equal(corrected, Scorers.Of("ocrbench", ScoringKind.Corrected).Score(sample, prediction));
    }
}
