using CoIN.Benchmark.Scoring.Corrected;

namespace CoIN.Benchmark.Tests.Scoring.Corrected;

public sealed class AnswerTextTests
{
    [Theory]
    [InlineData(" Yes.\n", "yes")]
    [InlineData("The  red\u00A0car", "red car")]
    [InlineData("on a table", "on table")]
    [InlineData("vitamin A", "vitamin a")]
    [InlineData("a", "a")]
    [InlineData("Two dogs", "2 dogs")]
    [InlineData("1,000", "1000")]
    [InlineData("red, blue", "red blue")]
    [InlineData("3.50.", "3.50")]
    [InlineData(".5", "0.5")]
    [InlineData("no.5", "no 5")]
    [InlineData("3:30 p.m.", "3:30 pm")]
    [InlineData("1/2", "1/2")]
    [InlineData("and/or", "and or")]
    [InlineData("-5", "-5")]
    [InlineData("\u22125", "-5")]
    [InlineData("10-20", "10 20")]
    [InlineData("T-shirt", "t shirt")]
    [InlineData("U.S.A.", "usa")]
    [InlineData("U.S.A", "usa")]
    [InlineData("J. K. Rowling", "jk rowling")]
    [InlineData("J.K. Rowling", "jk rowling")]
    [InlineData("C. Clarke", "c clarke")]
    [InlineData("don't", "dont")]
    [InlineData("don\u2019t", "dont")]
    [InlineData("\"stop\"", "stop")]
    [InlineData("great_white shark", "great white shark")]
    [InlineData("50%", "50%")]
    [InlineData("$5", "$5")]
    [InlineData("C++", "c++")]
    [InlineData("Stra\u00DFe", "strasse")]
    [InlineData("\u7B54\u6848\u3002", "\u7B54\u6848")]
    [InlineData("?", "?")]
    [InlineData(" ! ", "!")]
    public void Answers_are_normalised(string answer, string normalised) => Assert.Equal(normalised, AnswerText.Normalize(answer));

    [Theory]
    [InlineData("12", "1/2")]
    [InlineData("330", "3:30")]
    [InlineData("5", "-5")]
    [InlineData("35", "3.5")]
    [InlineData("c", "C++")]
    [InlineData("its", "it")]
    public void Different_answers_stay_different(string one, string other) =>
        Assert.NotEqual(AnswerText.Normalize(one), AnswerText.Normalize(other));

    [Theory]
    [InlineData("a photo of a tench", "tench", true)]
    [InlineData("great white shark", "white shark", true)]
    [InlineData("rattlesnake", "rat", false)]
    [InlineData("shark white", "white shark", false)]
    public void Words_are_found_whole_and_in_order(string text, string words, bool found) =>
        Assert.Equal(found, AnswerText.ContainsWords(AnswerText.Normalize(text), AnswerText.Normalize(words)));
}
