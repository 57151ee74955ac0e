using CoIN.Benchmark.Scoring;
using CoIN.Mini.Pretraining;
using CoIN.Mini.Tasks;
using CoIN.Mini.Tests.Support;

namespace CoIN.Mini.Tests.Pretraining;

public sealed class PretrainingCorpusTests
{
    public static TheoryData<string> Folders => Miniatures.Folders;

    [Fact]
    public void An_item_is_a_function_of_seed_and_position()
    {
        PretrainingCorpus corpus = new(1),
            same = new(1),
            other = new(2);
        var late = corpus.Draw(1L << 40);
        _ = same.Draw(0);
        var again = same.Draw(1L << 40);
        Assert.Equal((late.Kind, late.Question, late.Answer), (again.Kind, again.Question, again.Answer));
        Assert.Equal(late.Rgb, again.Rgb);
        Assert.NotEqual(late.Rgb, other.Draw(1L << 40).Rgb);
        Assert.NotEqual(late.Rgb, corpus.Draw(1).Rgb);
    }

    [Fact]
    public void Each_kind_of_knowledge_has_the_share_of_its_weight()
    {
        const int Count = 3000;
        var corpus = new PretrainingCorpus(1);
        var drawn = Enumerable.Range(0, Count).Select(i => corpus.Draw(i).Kind).CountBy(kind => kind).ToDictionary();
        var total = MiniTasks.All.Sum(task => task.CorpusWeight);
        Assert.All(MiniTasks.All, task =>
            Assert.InRange(drawn[task.Folder] / (double)Count, task.CorpusWeight / total * 0.8, task.CorpusWeight / total * 1.2)
        );
    }

    [Fact]
    public void No_item_has_an_instruction_or_a_question_of_the_benchmark()
    {
        var corpus = new PretrainingCorpus(1);
        var asked = MiniTasks
            .All.SelectMany(task => Miniatures.Items(task.Folder, 300).Select(item => item.Short.Question.Split('\n')[0]))
            .ToHashSet();
        string[] marks = ["single word or phrase", "option's letter", "bounding box", "Reference OCR token"];
        for (var i = 0; i < 1500; i++)
        {
            var item = corpus.Draw(i);
            Assert.DoesNotContain(marks, mark => item.Question.Contains(mark, StringComparison.OrdinalIgnoreCase));
            Assert.DoesNotContain(item.Question.Split('\n')[0], asked);
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void A_true_sentence_scores_nothing_by_the_published_rule(string folder)
    {
        var scorer = Scorers.Of(Miniatures.ScorerKey(folder));
        Assert.All(Miniatures.Items(folder, 400), item =>
            Assert.Equal(0, scorer.Score(Miniatures.AsTestSample(folder, item), item.Sentence.Answer))
        );
    }

    [Fact]
    public void No_sentence_of_any_task_names_a_class_or_holds_a_lone_letter_that_would_pass_for_an_answer()
    {
        var classes = Miniatures.Items("ImageNet", 300).Select(item => item.Short.Answer).Distinct().ToList();
        foreach (var item in MiniTasks.All.SelectMany(task => Miniatures.Items(task.Folder, 300)))
        {
            Assert.DoesNotContain(classes, name => item.Sentence.Answer.Contains(name, StringComparison.Ordinal));
            Assert.DoesNotMatch(@"\b[A-Ea-e]\b", item.Sentence.Answer);
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void Answers_are_sentences_in_several_wordings(string folder)
    {
        var items = Miniatures.Items(folder, 100);
        Assert.All(items, item => Assert.Matches("^[a-z].* .*[^ ]\\.$", item.Sentence.Answer));
        Assert.InRange(
            items.Select(item => item.Sentence.Answer.Split(' ')[0] + item.Sentence.Answer.Split(' ')[1]).Distinct().Count(),
            2,
            int.MaxValue
        );
    }
}
