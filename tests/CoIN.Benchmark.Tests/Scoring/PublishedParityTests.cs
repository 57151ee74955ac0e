using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;
using CoIN.Benchmark.Scoring.Published;
using CoIN.Benchmark.Tests.Golden;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Scoring;

[Trait("Category", "Parity")]
public sealed class PublishedParityTests
{
    [Theory]
    [InlineData("vizwiz")]
    [InlineData("vqav2")]
    [InlineData("ocrvqa")]
    [InlineData("imagenet")]
    [InlineData("gqa")]
    [InlineData("scienceqa")]
    [InlineData("textvqa")]
    public void Scores_and_accuracy_are_those_of_the_reference(string task)
    {
        var golden = GoldenFolder.Scoring(task + ".json");
        AssertScores(task, golden["cases"]!, "score", (double)golden["accuracy_percent"]!);
    }

    [Theory]
    [InlineData("grounding", "llava")]
    [InlineData("grounding-minigpt", "minigpt")]
    public void Both_grounding_variants_are_those_of_the_reference(string key, string variant)
    {
        var golden = GoldenFolder.Scoring("grounding.json");
        AssertScores(key, golden["cases"]!, "score_" + variant, (double)golden["variants"]![variant]!["accuracy_percent"]!);
    }

    [Fact]
    public void Intersection_over_union_is_that_of_the_reference()
    {
        foreach (var golden in GoldenFolder.Scoring("grounding.json")["iou_cases"]!)
        {
            Assert.Equal((double)golden["iou"]!, Box.IntersectionOverUnion(BoxOf(golden["a"]!), BoxOf(golden["b"]!)), 1e-12);
        }

        static Box BoxOf(JToken box) => new((double)box[0]!, (double)box[1]!, (double)box[2]!, (double)box[3]!);
    }

    [Fact]
    public void TextVqa_answers_are_normalised_as_in_the_reference()
    {
        foreach (var golden in GoldenFolder.Scoring("textvqa.json")["cases"]!)
        {
            Assert.Equal((string)golden["processed_prediction"]!, TextVqaNormalizer.Normalize((string)golden["prediction"]!));
            Assert.Equal(
                golden["processed_answers"]!.Select(answer => (string)answer!),
                golden["answers"]!.Select(answer => TextVqaNormalizer.Normalize((string)answer!))
            );
        }
    }

    [Fact]
    public void TextVqa_word_tables_are_those_of_the_reference()
    {
        var tables = GoldenFolder.Scoring("textvqa.json")["tables"]!;

        Assert.Equal(Pairs(tables["contractions"]!), TextVqaTables.Contractions.Order(Comparer));
        Assert.Equal(Pairs(tables["number_map"]!), TextVqaTables.Numbers.Order(Comparer));
        Assert.Equal(tables["articles"]!.Select(word => (string)word!), TextVqaTables.Articles.Order(StringComparer.Ordinal));
        Assert.Equal(TextVqaTables.Punctuation, string.Concat(tables["punctuations"]!.Select(mark => (string)mark!)));

        static IEnumerable<KeyValuePair<string, string>> Pairs(JToken table) =>
            ((JObject)table).Properties().Select(entry => KeyValuePair.Create(entry.Name, (string)entry.Value!)).Order(Comparer);
    }

    [Fact]
    public void ScienceQa_letters_are_found_as_in_the_reference()
    {
        foreach (var golden in GoldenFolder.Scoring("scienceqa.json")["cases"]!)
        {
            if ((string?)golden["prediction"] is { } prediction)
            {
                Assert.Equal((string)golden["parsed_answer"]!, ScienceQaScorer.ParseAnswer(prediction));
                Assert.Equal((int)golden["predicted_index"]!, ScienceQaScorer.PredictedIndex(prediction, (int)golden["num_choices"]!));
            }
        }
    }

    [Fact]
    public void Gqa_predictions_are_converted_as_in_the_reference()
    {
        foreach (var golden in GoldenFolder.Scoring("gqa.json")["cases"]!)
        {
            Assert.Equal((string)golden["converted_prediction"]!, GqaScorer.Convert((string)golden["prediction"]!));
        }
    }

    private static Comparer<KeyValuePair<string, string>> Comparer { get; } =
        Comparer<KeyValuePair<string, string>>.Create((one, other) => string.CompareOrdinal(one.Key, other.Key));

    private static void AssertScores(string key, IEnumerable<JToken> cases, string scoreField, double accuracy)
    {
        var golden = cases.ToList();
        var samples = golden.Select(Sample).ToList();
        var predictions = golden
            .Select((item, place) => (Id: samples[place].QuestionId, Text: (string?)item["prediction"]))
            .Where(item => item.Text is not null)
            .Select(item => new Prediction(item.Id, item.Text!))
            .ToList();

        var scored = TruthAlignment.Score(key, samples, predictions);

        Assert.Equal(golden.Count, scored.Samples);
        for (var place = 0; place < golden.Count; place++)
        {
            Assert.True(
                Math.Abs((double)golden[place][scoreField]! - scored.Scores[place]) <= (key == "textvqa" ? 1e-9 : 0),
                $"{golden[place]} scored {scored.Scores[place]}"
            );
        }

        Assert.Equal(accuracy, scored.AccuracyPercent, accuracy * 1e-9);
    }

    private static TestSample Sample(JToken golden, int place)
    {
        var answers = golden["answers"]?.Select(answer => (string)answer!).ToList();
        var sample = new TestSample(
            (string?)golden["question_id"] ?? $"position {place}",
            null,
            "",
            (string?)golden["ground_truth"] ?? (string?)golden["answer"] ?? answers![0]
        )
        {
            Choices = (int?)golden["num_choices"],
            Size = golden["size"] is { } size ? ((double)size[0]!, (double)size[1]!) : null,
        };
        return answers is null ? sample : sample with { Answers = answers };
    }
}
