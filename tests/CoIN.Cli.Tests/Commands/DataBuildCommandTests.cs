using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

public sealed class DataBuildCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public DataBuildCommandTests()
    {
        foreach (var (split, answer) in new[] { ("train", "tea"), ("val", "milk") })
        {
            coin.Folder.Write(
                $"raw/{split}.json",
                $$"""
                [{"image": "{{split}}_0.jpg", "question": "What is it?", "answers": [{"answer": "{{answer}}"}]},
                 {"image": "{{split}}_1.jpg", "question": "And this?", "answers": [{"answer": ""}]},
                 {"image": "{{split}}_2.jpg", "question": "Which?", "answers": [{"answer": "{{answer}}"}]}]
                """
            );
        }
    }

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task It_writes_the_folder_and_tells_counts_beside_the_papers_and_what_was_left_out()
    {
        Assert.Equal(0, await coin.InvokeAsync("data", "build", "--task", "vizwiz", "--raw", "raw", "--out", "data"));

        Assert.True(File.Exists(coin.Folder.PathOf("data", "Instructions_Original", "VizWiz", "val.json")));
        Assert.Contains("VizWiz: Reading train.json", coin.Out);
        Assert.Matches(@"VizWiz +train.json +2 +2 +2 +2 +20k +20,523", coin.Out);
        Assert.Matches(@" +val.json +2 +2 +2 +2 +8k +8,000", coin.Out);
        Assert.Contains("VizWiz val.json: 1 left out because it has no answer (first val_1)", coin.Out);
        Assert.Contains("Whether the images exist was not looked at", coin.Out);
    }

    [Fact]
    public async Task Its_options_reach_the_build()
    {
        Assert.Equal(
            0,
            await coin.InvokeAsync(
                "data",
                "build",
                "--task",
                "VizWiz",
                "--raw",
                "raw",
                "--out",
                "data",
                "--instructions",
                "diverse",
                "--seed",
                "3",
                "--volume",
                "0.5",
                "--test-samples",
                "1"
            )
        );

        var manifest = File.ReadAllText(coin.Folder.PathOf("data", "Instructions_Diverse", "VizWiz", "manifest.json"));
        Assert.Contains("\"seed\": 3", manifest);
        Assert.Contains("\"volume\": 0.5", manifest);
        Assert.Contains("\"testSamples\": 1", manifest);
        Assert.Matches(@"train.json +1 +2 ", coin.Out);
    }

    [Fact]
    public async Task What_was_built_before_a_fault_is_told()
    {
        Assert.Equal(1, await coin.InvokeAsync("data", "build", "--task", "VizWiz", "--task", "GQA", "--raw", "raw", "--out", "data"));

        Assert.Matches(@"VizWiz +train.json", coin.Out);
        Assert.Contains("There is no file train_balanced_questions.json", coin.Error);
    }

    [Theory]
    [InlineData("--volume 0", "--volume", "0")]
    [InlineData("--volume 1.5", "--volume", "1.5")]
    [InlineData("--test-samples -1", "--test-samples", "-1")]
    [InlineData("--class-count 0", "--class-count", "0")]
    [InlineData("original", "--instructions", "original2")]
    [InlineData("did you mean TextVQA?", "--task", "TextVAQ")]
    [InlineData("--missing-images drop needs --images", "--missing-images", "drop")]
    [InlineData("--classes is for ImageNet", "--classes", "list.txt")]
    [InlineData("Build the tasks one by one", "--task", "GQA", "--image-folder", "x")]
    public async Task What_cannot_be_is_refused_before_anything_is_read(string expected, params string[] arguments)
    {
        Assert.Equal(2, await coin.InvokeAsync(["data", "build", "--task", "VizWiz", "--raw", "raw", "--out", "data", .. arguments]));

        Assert.Contains(expected, coin.Error);
        Assert.False(Directory.Exists(coin.Folder.PathOf("data")));
    }
}
