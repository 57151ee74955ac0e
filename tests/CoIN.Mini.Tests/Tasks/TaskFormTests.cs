using CoIN.Benchmark.Scoring;
using CoIN.Mini.Tests.Support;

namespace CoIN.Mini.Tests.Tasks;

public sealed class TaskFormTests
{
    private const string Short = "Answer the question using a single word or phrase";

    public static TheoryData<string> Folders => Miniatures.Folders;

    [Theory]
    [InlineData("ScienceQA", "Answer with the option's letter from the given choices directly")]
    [InlineData("TextVQA", Short)]
    [InlineData("ImageNet", Short)]
    [InlineData("GQA", Short)]
    [InlineData("VizWiz", Short)]
    [InlineData("VQAv2", Short)]
    [InlineData("OCRVQA", Short)]
    public void The_published_instruction_is_the_last_line_of_each_question(string folder, string instruction) =>
        Assert.All(Miniatures.Items(folder, 50), item =>
            Assert.EndsWith($"\n{instruction}", MiniDataset.Question(Miniatures.Task(folder), item), StringComparison.Ordinal)
        );

    [Fact]
    public void A_grounding_question_is_the_published_instruction_with_a_description() =>
        Assert.All(Miniatures.Items("Grounding", 50), item =>
            Assert.Matches(
                "^Please provide the bounding box coordinate of the region this sentence describes: [a-z]+ [a-z]+$",
                MiniDataset.Question(Miniatures.Task("Grounding"), item)
            )
        );

    [Fact]
    public void Several_of_a_shape_are_spelled_as_people_do()
    {
        var questions = Miniatures.Items("VQAv2", 600).SelectMany(item => new[] { item.Short.Question, item.Sentence.Question }).ToList();

        Assert.Contains("How many crosses are there?", questions);
        Assert.Contains("How many circles are there?", questions);
        Assert.DoesNotContain(questions, question => question.Contains("sss", StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Folders))]
    public void The_right_answer_scores_full_marks_by_the_published_rule(string folder)
    {
        var scorer = Scorers.Of(Miniatures.ScorerKey(folder));
        Assert.All(Miniatures.Items(folder, 200), item =>
            Assert.Equal(1, scorer.Score(Miniatures.AsTestSample(folder, item), item.Short.Answer), 9)
        );
    }

    [Theory, MemberData(nameof(Folders))]
    public void No_answer_alone_is_right_for_two_fifths_of_the_questions(string folder)
    {
        var items = Miniatures.Items(folder, 500);
        Assert.InRange(items.GroupBy(item => item.Short.Answer).Max(group => group.Count()) / 500.0, 0, 0.4);
    }

    [Theory, MemberData(nameof(Folders))]
    public void Answers_come_from_a_closed_list_so_that_eight_hundred_samples_show_nearly_all(string folder)
    {
        var known = Miniatures.Items(folder, 800).Select(item => item.Short.Answer).ToHashSet();
        var fresh = Enumerable
            .Range(0, 100)
            .Select(i => MiniDataset.Draw(Miniatures.Task(folder), MiniDataset.TestSplit, 9, i).Short.Answer);
        Assert.InRange(fresh.Count(answer => !known.Contains(answer)), 0, 10);
    }

    [Fact]
    public void The_letter_of_a_multiple_choice_names_the_one_option_that_the_sentence_calls_true() =>
        Assert.All(Miniatures.Items("ScienceQA", 300), item =>
        {
            var options = item.Short.Question.Split('\n')[1..];
            Assert.InRange(options.Length, 2, 3);
            Assert.Equal(new[] { "A. ", "B. ", "C. " }.Take(options.Length), options.Select(option => option[..3]));
            Assert.Equal(options.Length, options.Distinct().Count());
            var truth = options.Single(option => option[0] == item.Short.Answer[0])[3..];
            var words = item.Sentence.Answer.Split(' ', ',', '.');
            Assert.Contains(truth, words);
            Assert.DoesNotContain(options.Select(option => option[3..]), option => option != truth && words.Contains(option));
        });

    [Fact]
    public void The_tokens_beside_a_sign_hold_its_word_once_at_no_fixed_place()
    {
        var items = Miniatures.Items("TextVQA", 300);
        var places = items
            .Select(item =>
                Assert.Single(item.OcrTokens.Select((token, place) => (token, place)), pair => pair.token == item.Short.Answer).place
            )
            .ToList();
        Assert.All(Enumerable.Range(0, 3), place => Assert.InRange(places.Count(other => other == place), 60, 140));
        Assert.Contains(
            $"\nReference OCR token: {string.Join(", ", items[0].OcrTokens)}\n",
            MiniDataset.Question(Miniatures.Task("TextVQA"), items[0]),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Some_dim_pictures_are_unanswerable_and_those_are_the_dark_ones() =>
        Assert.All(Miniatures.Items("VizWiz", 300), item =>
            Assert.Equal(item.Short.Answer == "unanswerable", item.Picture.Pixels.Max() < 24)
        );
}
