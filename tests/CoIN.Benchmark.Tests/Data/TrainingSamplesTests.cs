using CoIN.Benchmark.Data;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Data;

public sealed class TrainingSamplesTests : IDisposable
{
    private const string Talk = """ "conversations": [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "A cat"}] """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Samples_are_read_in_file_order()
    {
        var samples = Read($$"""[{"id": "b", "image": "x/1.jpg", {{Talk}}}, {"id": "a", {{Talk}}}]""");

        Assert.Equal(["b", "a"], samples.Select(sample => sample.Id));
        Assert.Equal("x/1.jpg", samples[0].Image);
        Assert.Null(samples[1].Image);
        Assert.Equal([new Turn("human", "What?"), new Turn("gpt", "A cat")], samples[0].Conversations);
    }

    [Theory]
    [InlineData("17", "17")]
    [InlineData("\"17\"", "17")]
    [InlineData("123456789012345678901234567890", "123456789012345678901234567890")]
    [InlineData("\"2024-01-02T03:04:05\"", "2024-01-02T03:04:05")]
    public void Ids_are_kept_as_text(string json, string id) => Assert.Equal(id, Read($$"""[{"id": {{json}}, {{Talk}}}]""")[0].Id);

    [Theory]
    [InlineData("\"./cl_dataset/a.jpg\"", "cl_dataset/a.jpg")]
    [InlineData("\"cl_dataset/./a.jpg\"", "cl_dataset/./a.jpg")]
    [InlineData("\".hidden/a.jpg\"", ".hidden/a.jpg")]
    [InlineData("\"\"", null)]
    [InlineData("null", null)]
    public void Image_paths_are_relative_to_the_root(string json, string? image) =>
        Assert.Equal(image, Read($$"""[{"id": 1, "image": {{json}}, {{Talk}}}]""")[0].Image);

    [Fact]
    public void User_and_assistant_are_human_and_gpt() =>
        Assert.Equal(
            ["human", "gpt", "human", "gpt"],
            Read(
                """
                [{"id": 1, "conversations": [{"from": "user", "value": "a"}, {"from": "assistant", "value": "b"}, {"from": "human", "value": "c"}, {"from": "gpt", "value": "d"}]}]
                """
            )[0]
                .Conversations.Select(turn => turn.From)
        );

    [Theory]
    [InlineData("", "no \"conversations\"")]
    [InlineData("\"conversations\": null", "no \"conversations\"")]
    [InlineData("\"conversations\": []", "empty list of \"conversations\"")]
    [InlineData("\"conversations\": \"talk\"", "has text as \"conversations\"")]
    [InlineData("\"conversations\": [5]", "has a number as \"conversations[0]\"")]
    [InlineData("\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}]", "no answer")]
    [InlineData("\"conversations\": [{\"from\": \"gpt\", \"value\": \"a\"}]", "conversations[0] where \"human\" is wanted")]
    [InlineData(
        "\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}, {\"from\": \"robot\", \"value\": \"b\"}]",
        "\"robot\" in conversations[1]"
    )]
    [InlineData(
        "\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}, {\"from\": \"gpt\", \"value\": \"\"}]",
        "empty answer in conversations[1]"
    )]
    [InlineData("\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}, {\"from\": \"gpt\"}]", "no \"value\" in conversations[1]")]
    [InlineData(
        "\"conversations\": [{\"from\": \"human\", \"value\": 3}, {\"from\": \"gpt\", \"value\": \"b\"}]",
        "a number as \"conversations[0].value\""
    )]
    [InlineData(
        "\"image\": [\"a.jpg\", 2], \"conversations\": [{\"from\": \"human\", \"value\": \"a\"}, {\"from\": \"gpt\", \"value\": \"b\"}]",
        "a list as \"image\""
    )]
    public void A_faulty_sample_is_named_with_file_line_and_id(string fields, string fault)
    {
        var error = Assert.Throws<CoinException>(() =>
            Read(
                $$"""
                [{"id": 1, {{Talk}}},
                 {"id": "two"{{(fields.Length > 0 ? "," : "")}} {{fields}}}]
                """
            )
        );

        Assert.StartsWith($"{folder.File("train.json")}, line 2, sample two: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        Assert.EndsWith(", or remove the sample.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sample_may_have_several_images_each_with_a_tag()
    {
        var sample = Read(
            """
            [{"id": 1, "image": ["./a.jpg", "b.jpg"], "conversations": [{"from": "human", "value": "<image>\nand <image>?"}, {"from": "gpt", "value": "b"}]}]
            """
        )[0];
        Assert.Equal("a.jpg", sample.Image);
        Assert.Equal(["a.jpg", "b.jpg"], sample.Images);
    }

    /// <summary>Qwen-VL's own form.</summary>
    [Fact]
    public void Paths_between_marks_are_images()
    {
        var sample = Read(
            """
            [{"id": 1, "conversations": [{"from": "user", "value": "Picture 1: <img>./x/a.jpg</img>\nWhat? Picture 2: <img>b.jpg</img>"},
              {"from": "assistant", "value": "<ref>a</ref>"}]}]
            """
        )[0];
        Assert.Equal(["x/a.jpg", "b.jpg"], sample.Images);
        Assert.Equal([new Turn("human", "<image>\nWhat? <image>"), new Turn("gpt", "<ref>a</ref>")], sample.Conversations);
    }

    [Theory]
    [InlineData("[\"a.jpg\", \"b.jpg\"]", "<image> What?", "has 2 images and <image> once. Put <image> where each image is to be shown")]
    [InlineData("[\"a.jpg\", \"b.jpg\"]", "What?", "has 2 images and <image> 0 times")]
    [InlineData("\"a.jpg\"", "<img>b.jpg</img> What?", "names images in \"image\" and between <img> and </img> too. Leave one of both out")]
    public void Images_that_do_not_fit_their_tags_are_faults(string image, string question, string fault) =>
        Assert.Contains(
            fault,
            Fault(
                $$"""[{"id": 1, "image": {{image}}, "conversations": [{"from": "human", "value": "{{question}}"}, {"from": "gpt", "value": "b"}]}]"""
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public void A_sample_without_id_is_named_by_its_position() =>
        Assert.Contains(
            "line 1, sample number 2: it has no \"id\"",
            Fault($$"""[{"id": 1, {{Talk}}}, { {{Talk}} }]"""),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("", "line 0: the file does not begin with")]
    [InlineData("{\"id\": 1}", "line 1: the file does not begin with")]
    [InlineData("[\n{\"id\": 1,\n", "line 3: ")]
    [InlineData("[\n3]", "line 2: item 1 of the list is no object")]
    [InlineData("[\n{\"id\": }]", "line 2: ")]
    [InlineData("[]", "holds no samples")]
    public void A_file_that_is_no_list_of_samples_is_an_error(string text, string fault)
    {
        var error = Fault(text);
        Assert.StartsWith(folder.File("train.json"), error, StringComparison.Ordinal);
        Assert.Contains(fault, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_was_cut_off_between_samples_is_an_error() =>
        Assert.Contains("line 2: the file ends after 1 samples", Fault($$"""[{"id": 1, {{Talk}}},{{"\n"}}"""), StringComparison.Ordinal);

    [Fact]
    public void A_missing_file_and_a_missing_folder_are_told_apart()
    {
        var file = Assert.Throws<CoinException>(() => TrainingSamples.Read(folder.File("none.json"))).Message;
        Assert.Contains(folder.File("none.json"), file, StringComparison.Ordinal);
        Assert.Contains("file name", file, StringComparison.Ordinal);

        var missing = Assert.Throws<CoinException>(() => TrainingSamples.Read(folder.File("GQA/train.json"))).Message;
        Assert.Contains($"no folder {folder.File("GQA")}", missing, StringComparison.Ordinal);
        Assert.Contains("data.instructions", missing, StringComparison.Ordinal);
    }

    [Fact]
    public void A_byte_order_mark_and_the_tag_at_the_end_are_accepted()
    {
        var path = folder.Write("train.json", "");
        File.WriteAllText(
            path,
            """[{"id": 1, "image": "a.jpg", "conversations": [{"from": "human", "value": "What?\n<image>"}, {"from": "gpt", "value": "A"}]}]""",
            new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true)
        );

        Assert.Equal("What?\n<image>", TrainingSamples.Read(path)[0].Conversations[0].Value);
    }

    [Fact]
    public void Equal_texts_are_kept_once()
    {
        var samples = Read($$"""[{"id": 1, "image": "a.jpg", {{Talk}}}, {"id": 2, "image": "a.jpg", {{Talk}}}]""");

        Assert.Same(samples[0].Conversations[0].Value, samples[1].Conversations[0].Value);
        Assert.Same(samples[0].Conversations[1].Value, samples[1].Conversations[1].Value);
        Assert.Same(samples[0].Image, samples[1].Image);
    }

    [Fact]
    public void A_missing_file_names_those_that_are_there()
    {
        folder.Write("TextVQA/val.json", "[]");
        folder.Write("TextVQA/test_1.json", "[]");

        Assert.Contains(
            "There are test_1.json and val.json in that folder.",
            Assert.Throws<CoinException>(() => TestSamples.Read(folder.File("TextVQA/test.json"))).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(
        "\"image\": \"a.jpg\",",
        "<image>\\nOne?",
        "<image>\\nTwo?",
        "has <image> in 2 turns and one image. Keep the tag of the first question only"
    )]
    [InlineData("", "<image>\\nOne?", "Two?", "has <image> in its conversation and no \"image\". Name its image")]
    public void A_sample_that_asks_for_more_pictures_than_it_has_is_named(string image, string first, string second, string fault) =>
        Assert.StartsWith(
            $"{folder.File("train.json")}, line 2, sample b: it {fault}",
            Fault(
                $$"""
                [{"id": "a", {{Talk}}},
                {"id": "b", {{image}} "conversations": [{"from": "human", "value": "{{first}}"}, {"from": "gpt", "value": "1"}, {"from": "human", "value": "{{second}}"}, {"from": "gpt", "value": "2"}]}]
                """
            ),
            StringComparison.Ordinal
        );

    [Fact]
    public void Several_tags_in_one_turn_ask_for_one_picture() =>
        Assert.Single(
            Read(
                """[{"id": 1, "image": "a.jpg", "conversations": [{"from": "human", "value": "<image>\n<image>What?"}, {"from": "gpt", "value": "A"}]}]"""
            )
        );

    private IReadOnlyList<TrainingSample> Read(string json) => TrainingSamples.Read(folder.Write("train.json", json));

    private string Fault(string json) => Assert.Throws<CoinException>(() => Read(json)).Message;
}
