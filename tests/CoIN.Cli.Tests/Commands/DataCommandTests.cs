using CoIN.Cli.Hosting;
using CoIN.Cli.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Tests.Commands;

public sealed class DataCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public DataCommandTests()
    {
        coin.WriteConfiguration();
        Data("GQA");
    }

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task Sound_data_are_counted_beside_the_papers_and_the_status_is_0()
    {
        Assert.Equal(0, await coin.InvokeAsync("data", "check", "a.hocon"));

        Assert.Matches(@"GQA +2 +72k / 72,140 +1 +1k / 12,578 +2 +1 +0 +0", coin.Out);
        Assert.Contains("Nothing was found", coin.Out);
        Assert.Equal("", File.ReadAllText(coin.Folder.PathOf("mine-data-check.jsonl")));
    }

    [Fact]
    public async Task Errors_are_shown_by_kind_with_a_remedy_and_make_the_status_1()
    {
        File.Delete(coin.Folder.PathOf("images", "1.png"));

        Assert.Equal(1, await coin.InvokeAsync("data", "check", "a.hocon", "--out", "f.jsonl"));

        Assert.Contains("1 × missing-image", coin.Out);
        Assert.Contains("GQA/train.json, line 1, sample 1: 1.png does not exist", coin.Out);
        Assert.Contains("→ Put them there", coin.Out);
        Assert.Contains("1 error, 0 warnings", coin.Out);
        Assert.Equal("1.png", (string)JObject.Parse(File.ReadAllText(coin.Folder.PathOf("f.jsonl")))["image"]!);
    }

    [Fact]
    public async Task A_folder_as_output_is_refused_with_the_file_that_may_be_meant()
    {
        Assert.NotEqual(0, await coin.InvokeAsync("data", "check", "a.hocon", "--out", "images"));
        Assert.Contains("--out images: that is a folder", coin.Error);
        Assert.Contains("--out images/mine-data-check.jsonl", coin.Error);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1, "--fail-on", "warning")]
    [InlineData(1, "--fail-on", "error,repeated-id")]
    [InlineData(0, "--fail-on", "leaked-image")]
    [InlineData(0, "--fail-on", "none")]
    public async Task Warnings_make_the_status_1_only_where_that_is_asked_for(int status, params string[] arguments)
    {
        coin.Folder.Write("data/GQA/train.json", "[" + Train(1, "1.png") + ", " + Train(1, "1.png", "<image>\\nHow?") + "]");

        Assert.Equal(status, await coin.InvokeAsync(["data", "check", "a.hocon", .. arguments]));
        Assert.Contains("1 × repeated-id", coin.Out);
    }

    [Fact]
    public async Task An_unknown_kind_to_fail_on_names_the_nearest()
    {
        Assert.Equal(2, await coin.InvokeAsync("data", "check", "a.hocon", "--fail-on", "missing-imag"));
        Assert.Contains("did you mean missing-image", coin.Error);
    }

    [Fact]
    public async Task Images_in_the_wrong_folder_are_told_once_as_what_they_are()
    {
        Assert.Equal(1, await coin.InvokeAsync("data", "check", "a.hocon", "--set", "data.images=data"));
        Assert.Contains("Every image of GQA is missing", coin.Out);
    }

    [Fact]
    public async Task Without_a_model_lengths_are_skipped_with_a_word()
    {
        Assert.Equal(0, await coin.InvokeAsync("data", "check", "a.hocon", "--set", "model.path=null"));
        Assert.Contains("Prompts were not measured against the length limit: model.path is not set.", coin.Out);
        Assert.Empty(coin.Data.Opened);
    }

    [Fact]
    public async Task A_ninth_task_needs_only_its_block()
    {
        Data("Mine");
        coin.Folder.Write("b.hocon", "coin.tasks.MyTask { folder = Mine, scorer = gqa }\ncoin.order = [GQA, MyTask]");

        Assert.Equal(0, await coin.InvokeAsync("validate", "a.hocon", "b.hocon"));
        Assert.Equal(0, await coin.InvokeAsync("data", "check", "a.hocon", "b.hocon", "--task", "MyTask"));
        Assert.Matches(@"MyTask +2 +– +1 +– +2", coin.Out);
        Assert.Equal(0, await coin.InvokeAsync("data", "preview", "a.hocon", "b.hocon", "--task", "MyTask", "--samples", "1"));
        Assert.Contains("MyTask: Mine/train.json, sample ", coin.Out);
    }

    [Theory]
    [InlineData("preview", "gqa")]
    [InlineData("check", "GQA")]
    public async Task A_task_may_be_named_in_any_case(string verb, string task) =>
        Assert.Equal(0, await coin.InvokeAsync("data", verb, "a.hocon", "--task", task));

    [Fact]
    public async Task A_task_that_is_not_there_is_named_by_the_option_that_was_typed()
    {
        Assert.Equal(1, await coin.InvokeAsync("data", "preview", "a.hocon", "--task", "textvqaa"));

        Assert.Contains("--task textvqaa: there is no task of this name; did you mean TextVQA? There are ScienceQA, TextVQA, ", coin.Error);
        Assert.DoesNotContain("order", coin.Error);
    }

    [Fact]
    public async Task A_preview_marks_what_is_learned_and_cut_and_writes_the_picture()
    {
        Assert.Equal(0, await coin.InvokeAsync("data", "preview", "a.hocon", "--id", "1", "--out", "pictures"));

        var picture = coin.Folder.PathOf("pictures", "01-GQA-train-1.png");
        Assert.Contains($"1.png, 4 × 3 pixels; the model gets 2 × 2: {picture}", coin.Out);
        Assert.True(File.Exists(picture));
        Assert.Contains("<image> × 9  60 <", coin.Out);
        Assert.Contains("[115 s]  [111 o]", coin.Out);
        Assert.Contains("learned   2 tokens: \"so\"", coin.Out);
        Assert.Contains("the limit is 69; nothing is cut", coin.Out);
    }

    [Fact]
    public async Task A_preview_shows_the_cut()
    {
        coin.Folder.Write("data/GQA/train.json", "[" + Train(1, "1.png", new string('x', 59)) + "]");

        await coin.InvokeAsync("data", "preview", "a.hocon");

        Assert.Contains("1 cut at the end", coin.Out);
        Assert.Contains("~111 o~", coin.Out);
        Assert.Contains("[115 s]", coin.Out);
    }

    [Fact]
    public async Task A_preview_is_in_colours_at_a_terminal_that_has_them()
    {
        coin.Terminal = Terminal.Plain with { Colour = true };

        await coin.InvokeAsync("data", "preview", "a.hocon", "--id", "1");

        Assert.Contains("\u001b[32m115 s\u001b[0m", coin.Out);
    }

    [Fact]
    public async Task A_preview_of_test_samples_shows_the_answers_and_how_they_are_scored()
    {
        Assert.Equal(0, await coin.InvokeAsync("data", "preview", "a.hocon", "--split", "test"));
        Assert.Contains("answer    \"yes\"; at most 128 tokens are generated, compared by gqa", coin.Out);
    }

    [Fact]
    public async Task The_seed_draws_the_samples_of_a_preview()
    {
        coin.Folder.Write("data/GQA/train.json", "[" + string.Join(",\n", Enumerable.Range(0, 200).Select(i => Train(i, "1.png"))) + "]");

        async Task<string> DrawAsync(string seed)
        {
            var before = coin.Out.Length;
            await coin.InvokeAsync("data", "preview", "a.hocon", "--samples", "3", "--seed", seed);
            return string.Join(' ', coin.Out[before..].Split('\n').Where(line => line.StartsWith("GQA:", StringComparison.Ordinal)));
        }

        var first = await DrawAsync("1");
        Assert.Equal(3, first.Split("sample").Length - 1);
        Assert.Equal(first, await DrawAsync("1"));
        Assert.NotEqual(first, await DrawAsync("2"));
    }

    [Fact]
    public async Task An_id_that_no_sample_has_and_a_missing_model_are_faults()
    {
        Assert.Equal(1, await coin.InvokeAsync("data", "preview", "a.hocon", "--id", "77"));
        Assert.Contains("No train sample of GQA has the id 77", coin.Error);
        Assert.Equal(1, await coin.InvokeAsync("data", "preview", "a.hocon", "--set", "model.path=null"));
        Assert.Contains("coin.model.path is not set", coin.Error);
    }

    [Fact]
    public async Task A_missing_test_file_is_told_with_the_candidates_that_are_there()
    {
        File.Move(coin.Folder.PathOf("data", "GQA", "test.json"), coin.Folder.PathOf("data", "GQA", "test_1.json"));

        Assert.Equal(1, await coin.InvokeAsync("validate", "a.hocon"));
        Assert.Contains("There are test_1.json and train.json in that folder.", coin.Error);
        Assert.Contains("coin.tasks.GQA.test-file", coin.Error);
    }

    private static string Train(int id, string? image, string question = "<image>\\nWhy?") =>
        $$"""{"id": {{id}}, {{(image is null ? "" : $"\"image\": \"./{image}\", ")}}"conversations": [{"from": "human", "value": "{{(image is null ? "Why?" : question)}}"}, {"from": "gpt", "value": "so"}]}""";

    private void Data(string folder)
    {
        coin.Folder.Write($"data/{folder}/train.json", "[" + Train(1, "1.png") + ",\n" + Train(2, null) + "]");
        coin.Folder.Write($"data/{folder}/test.json", """[{"question_id": 1, "image": "2.png", "text": "Is it?", "answer": "yes"}]""");
        coin.Folder.Write("images/1.png", "");
        coin.Folder.Write("images/2.png", "");
    }
}
