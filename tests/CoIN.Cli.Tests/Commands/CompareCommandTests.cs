using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Reports;
using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

public sealed class CompareCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public CompareCommandTests()
    {
        foreach (var (id, accuracy) in new[] { ("alpha", 50.0), ("beta", 70.0) })
        {
            coin.Folder.Write($"runs/{id}/settings.conf", "");
            coin.Engine.Reports[id] = new RunReport
            {
                RunId = id,
                Name = id,
                Method = SequentialLora.Name,
                Seed = 1,
                Status = "completed",
                Tasks = ["GQA"],
                BaseModelSha256 = "b",
                Cells = [new CellReport("GQA", new(1, 0, accuracy, 10, "p", "s"))],
            };
        }
    }

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task Runs_are_printed_side_by_side()
    {
        Assert.Equal(0, await coin.InvokeAsync("compare", "al", "be"));
        Assert.Matches(@"alpha +final +50\.00", coin.Out);
        Assert.Matches(@"beta − alpha +final +\+20\.00", coin.Out);
    }

    [Fact]
    public async Task A_run_may_be_named_by_its_folder()
    {
        Assert.Equal(0, await coin.InvokeAsync("compare", "--runs", "elsewhere", "./runs/alpha", "runs/beta", "--format", "csv"));
        Assert.StartsWith("measure,run,row,GQA,MAA,BWT\n", coin.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_are_written_into_the_folder_that_is_named()
    {
        Assert.Equal(0, await coin.InvokeAsync("compare", "alpha", "beta", "--out", "cmp"));
        Assert.Equal(
            ["comparison.csv", "comparison.html", "comparison.json", "comparison.md", "comparison.tex"],
            Directory.GetFiles(coin.Folder.PathOf("cmp")).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        Assert.Contains(coin.Folder.PathOf("cmp", "comparison.html"), coin.Out);
    }

    [Fact]
    public async Task Published_results_are_listed_and_shown_without_a_run()
    {
        Assert.Equal(0, await coin.InvokeAsync("compare", "--published"));
        Assert.Matches(@"moelora-8 +LLaVA-1\.5-7B, MoELoRA, 8 experts", coin.Out);
        Assert.Equal(0, await coin.InvokeAsync("compare", "--published", "moelora-8"));
        Assert.Matches(@"8 OCR-VQA +63\.09", coin.Out);
        Assert.Equal(
            0,
            await coin.InvokeAsync("compare", "--published", "moelora-8", "--published", "llava-7b", "--out", "paper", "--format", "json")
        );
        Assert.Contains("\"moelora-8\"", File.ReadAllText(coin.Folder.PathOf("paper", "comparison.json")));
    }

    [Fact]
    public async Task A_run_stands_beside_published_results()
    {
        Assert.Equal(0, await coin.InvokeAsync("compare", "alpha", "--published", "llava-7b"));
        Assert.Contains("alpha beside the published llava-7b", coin.Out);
        Assert.Matches(@"just trained +- +- +- +-6\.40", coin.Out);
        Assert.Equal(0, await coin.InvokeAsync("compare", "--published", "llava-7b", "alpha", "beta"));
        Assert.Contains("beta beside the published llava-7b", coin.Out);
        Assert.Matches(@"beta − alpha +final +\+20\.00", coin.Out);
    }

    [Fact]
    public async Task A_published_result_that_there_is_not_is_an_error_that_names_the_nearest()
    {
        Assert.Equal(1, await coin.InvokeAsync("compare", "--published", "moelora8"));
        Assert.Contains("did you mean \"moelora-8\"?", coin.Error);
        Assert.Equal(2, await coin.InvokeAsync("compare", "alpha", "--published"));
        Assert.Contains("./run.sh compare --published lists them", coin.Error);
    }

    [Fact]
    public async Task One_run_alone_or_one_that_never_began_is_an_error()
    {
        Assert.Equal(2, await coin.InvokeAsync("compare", "alpha"));
        coin.Engine.Reports.Remove("beta");
        Assert.Equal(1, await coin.InvokeAsync("compare", "alpha", "beta"));
        Assert.Contains("The run beta has not begun", coin.Error);
    }
}
