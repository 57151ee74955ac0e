using CoIN.Benchmark.Data;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Data;

public sealed class TestSamplesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_sample_has_id_image_text_and_answer()
    {
        var sample = One("""{"question_id": 5, "image": "./a/b.png", "text": "What?\nOne word", "answer": "cat"}""");

        Assert.Equal(("5", "a/b.png", "What?\nOne word", "cat"), (sample.QuestionId, sample.Image, sample.Text, sample.Answer));
        Assert.Equal(["cat"], sample.Answers);
        Assert.Null(sample.Choices);
        Assert.Null(sample.Size);
        Assert.Null(sample.UnpaddedBox);
    }

    [Theory]
    [InlineData("3", "3")]
    [InlineData("1.0", "1.0")]
    [InlineData("0.25", "0.25")]
    [InlineData("\" B\"", " B")]
    public void An_answer_is_kept_as_text(string json, string answer) =>
        Assert.Equal(answer, One($$"""{"question_id": 1, "text": "t", "answer": {{json}}}""").Answer);

    [Fact]
    public void Several_answers_are_kept_and_the_most_frequent_is_the_one()
    {
        var sample = One("""{"question_id": 1, "text": "t", "answer": ["no", "yes", "", "yes", 7, "no", "yes", "a", "b", "c"]}""");

        Assert.Equal(["no", "yes", "", "yes", "7", "no", "yes", "a", "b", "c"], sample.Answers);
        Assert.Equal("yes", sample.Answer);
    }

    [Theory]
    [InlineData("""["red", "red", "pink", 4]""")]
    [InlineData("""[{"answer": "red", "answer_confidence": "yes"}, {"answer": "red"}, {"answer": "pink"}, {"answer": 4}]""")]
    public void All_annotators_answers_may_stand_beside_the_one(string answers)
    {
        var both = One($$"""{"question_id": 1, "text": "t", "answer": "pink", "answers": {{answers}}}""");
        var only = One($$"""{"question_id": 1, "text": "t", "answers": {{answers}}}""");

        Assert.Equal("pink", both.Answer);
        Assert.Equal("red", only.Answer);
        Assert.All([both, only], sample => Assert.Equal(["red", "red", "pink", "4"], sample.Answers));
    }

    [Fact]
    public void An_empty_list_of_answers_leaves_the_one() =>
        Assert.Equal(["pink"], One("""{"question_id": 1, "text": "t", "answer": "pink", "answers": []}""").Answers);

    [Theory]
    [InlineData("\"[0.1, 0.2, 0.3, 0.4]\"")]
    [InlineData("[0.1, 0.2, 0.3, 0.4]")]
    public void The_box_of_a_grounding_sample_is_its_answer(string box)
    {
        var sample = One(
            $$"""
            {"question_id": 1, "text": "t", "answer": "a word", "answer_bbox": {{box}}, "origin_answer_bbox": "[0, 0, 1, 1]", "size": [640, 480.5]}
            """
        );

        Assert.Equal("[0.1, 0.2, 0.3, 0.4]", sample.Answer);
        Assert.Equal(["[0.1, 0.2, 0.3, 0.4]"], sample.Answers);
        Assert.Equal("[0, 0, 1, 1]", sample.UnpaddedBox);
        Assert.Equal((640, 480.5), sample.Size);
    }

    [Theory]
    [InlineData("Which?\nA. one\nB. two\nC. three\nAnswer with the letter", 3)]
    [InlineData("A. says a hint\nWhich?\nA. one\r\nB. two\r\n", 2)]
    [InlineData("Which?\n(A) one\n(B) two", 2)]
    [InlineData("Which?\nA) one\nB) two\nC) three\nD) four", 4)]
    [InlineData("Which?\nA. one", null)]
    [InlineData("B. one\nC. two", null)]
    [InlineData("What is in the picture?", null)]
    public void Option_lines_are_counted(string text, int? choices) =>
        Assert.Equal(
            choices,
            One($$"""{"question_id": 1, "text": {{Newtonsoft.Json.JsonConvert.ToString(text)}}, "answer": "A"}""").Choices
        );

    [Fact]
    public void A_question_about_a_picture_that_it_does_not_have_is_named() =>
        Assert.Contains(
            "line 1, sample 1: it has <image> in its text and no \"image\"",
            Assert.Throws<CoinException>(() => One("""{"question_id": 1, "text": "<image>\nWhat?", "answer": "A"}""")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void The_image_tag_is_taken_out_of_the_text() =>
        Assert.Equal("What?", One("""{"question_id": 1, "image": "a.jpg", "text": "<image>\nWhat?", "answer": "A"}""").Text);

    [Theory]
    [InlineData("\"text\": \"t\"", "has no \"answer\"")]
    [InlineData("\"text\": \"t\", \"answer\": null", "has no \"answer\"")]
    [InlineData("\"text\": \"t\", \"answer\": \"\"", "has no \"answer\"")]
    [InlineData("\"text\": \"t\", \"answer\": []", "has no \"answer\"")]
    [InlineData("\"text\": \"t\", \"answer\": [\"\", \" \"]", "has no \"answer\"")]
    [InlineData("\"text\": \"t\", \"answer\": true", "has true or false as \"answer\"")]
    [InlineData("\"text\": \"t\", \"answer\": {}", "has an object as \"answer\"")]
    [InlineData("\"text\": \"t\", \"answer\": [\"a\", null]", "has null as \"answer[1]\"")]
    [InlineData("\"text\": \"t\", \"answers\": [\"a\", {}]", "has an object as \"answers[1]\"")]
    [InlineData("\"answer\": \"a\"", "has no \"text\"")]
    [InlineData("\"text\": 4, \"answer\": \"a\"", "has a number as \"text\"")]
    [InlineData("\"text\": \"t\", \"answer_bbox\": [0.1, 0.2]", "has a \"answer_bbox\" that is no box")]
    [InlineData("\"text\": \"t\", \"answer\": \"a\", \"size\": \"640x480\"", "has text as \"size\"")]
    [InlineData("\"text\": \"t\", \"answer\": \"a\", \"size\": [640, 0]", "\"size\" that is not positive")]
    [InlineData("\"text\": \"t\", \"answer\": \"a\", \"image\": 4", "has a number as \"image\"")]
    public void A_faulty_sample_is_named_with_file_line_and_id(string fields, string fault)
    {
        var error = Assert.Throws<CoinException>(() =>
            Read(
                $$"""
                [
                  {"question_id": 1, "text": "t", "answer": "a"},
                  {"question_id": 2, {{fields}}}
                ]
                """
            )
        );

        Assert.StartsWith($"{folder.File("test.json")}, line 3, sample 2: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_question_id_that_comes_twice_is_an_error()
    {
        var error = Assert.Throws<CoinException>(() =>
            Read(
                """
                [{"question_id": 1, "text": "t", "answer": "a"},
                 {"question_id": "1", "text": "t", "answer": "a"}]
                """
            )
        );

        Assert.Contains("line 2, sample 1: it has a question id that an earlier sample has too", error.Message, StringComparison.Ordinal);
    }

    private TestSample One(string json) => Assert.Single(Read($"[{json}]"));

    private IReadOnlyList<TestSample> Read(string json) => TestSamples.Read(folder.Write("test.json", json));
}
