using CoIN.Actors.Workers;
using CoIN.Benchmark.Data;

namespace CoIN.Actors.Tests.Workers;

public sealed class AnswerOrderTests
{
    private static readonly TestSample[] Samples =
    [
        new("0", "a.png", "a long question", "x"),
        new("1", "b.png", "short", "x"),
        new("2", null, "no picture", "x"),
        new("3", "a.png", "q", "x"),
        new("4", null, "n", "x"),
    ];

    [Fact]
    public void Questions_about_one_picture_come_together_and_short_prompts_first() =>
        Assert.Equal([4, 1, 2, 0, 3], AnswerOrder.Of(Samples));

    [Fact]
    public void Answers_return_to_the_order_of_the_samples()
    {
        var order = AnswerOrder.Of(Samples);
        var answers = order.Select(i => new Prediction(Samples[i].QuestionId, "")).ToList();
        Assert.Equal(Samples.Select(sample => sample.QuestionId), AnswerOrder.Restore(answers, order).Select(answer => answer.QuestionId));
    }
}
