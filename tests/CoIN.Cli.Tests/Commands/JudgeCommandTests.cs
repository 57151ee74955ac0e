using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Commands;

public sealed class JudgeCommandTests : IDisposable
{
    private readonly CommandLine coin = new();

    public void Dispose() => coin.Dispose();

    [Fact]
    public async Task A_run_is_judged_by_a_recipe_with_overrides_and_lends_no_trainer()
    {
        await RunAsync();
        var code = await coin.InvokeAsync(
            "judge",
            "run",
            "r",
            "--judge",
            Repository.PathOf("hocon", "judges", "ollama.hocon"),
            "--judge",
            Repository.PathOf("hocon", "judges", "reference-sampling.hocon"),
            "--set",
            "judge.model=llama3"
        );
        Assert.True(code == 0, coin.Error);
        var judge = coin.Engine.Judge!;
        Assert.Equal(
            ("ollama-qwen2.5-7b", JudgeKind.OpenAi, "llama3", 0.7, 0.8, 1.05),
            (judge.Name, judge.Kind, judge.Model, judge.Temperature, judge.TopP, judge.RepetitionPenalty)
        );
        Assert.Equal(["supervisor", "judge"], coin.Engine.Ticket!.Node.Roles);
    }

    [Fact]
    public async Task The_names_and_fields_of_a_request_are_chosen_by_key()
    {
        await RunAsync();
        var recipe = Repository.PathOf("hocon", "judges", "ollama.hocon");
        Assert.Equal(0, await coin.InvokeAsync("judge", "run", "r", "--judge", recipe));
        Assert.Equal((null, null), (coin.Engine.Judge!.TokenLimitKey, coin.Engine.Judge.SendTemperature));
        var code = await coin.InvokeAsync(
            "judge",
            "run",
            "r",
            "--judge",
            recipe,
            "--set",
            "judge.token-limit-key=max_completion_tokens",
            "--set",
            "judge.send-temperature=false"
        );
        Assert.True(code == 0, coin.Error);
        Assert.Equal(("max_completion_tokens", false), (coin.Engine.Judge!.TokenLimitKey, coin.Engine.Judge.SendTemperature));

        Assert.Equal(1, await coin.InvokeAsync("judge", "run", "r", "--judge", recipe, "--set", "judge.token-limit-key=tokens"));
        Assert.Contains("max_tokens or max_completion_tokens", coin.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_judge_cannot_change_what_decides_the_runs_numbers()
    {
        await RunAsync();
        Assert.Equal(1, await coin.InvokeAsync("judge", "run", "r", "--set", "lora.rank=4"));
        Assert.Contains("coin.lora", coin.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_judge_it_is_said_how_to_name_one()
    {
        await RunAsync();
        Assert.Equal(1, await coin.InvokeAsync("judge", "run", "r"));
        Assert.Contains("--judge hocon/judges/lexical.hocon", coin.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_judge_is_dismissed_by_name()
    {
        await RunAsync();
        Assert.Equal(0, await coin.InvokeAsync("judge", "dismiss", "r", "gpt-4"));
        Assert.Contains("dismiss gpt-4 of r", coin.Engine.Asked);
    }

    [Fact]
    public async Task A_study_is_a_page_and_a_table_with_the_key_apart()
    {
        await RunAsync();
        coin.Engine.Draw = (cells, count, seed) =>
        {
            Assert.Equal(("final", 7, 3), (cells, count, seed));
            return new Study("ab12", [new StudyItem("A001", null, "What?", "truth", "answer", false)], new StudyKey("ab12", "r", 3, []));
        };
        var code = await coin.InvokeAsync("judge", "export", "r", "--cells", "final", "--samples", "7", "--seed", "3", "--out", "study");
        Assert.True(code == 0, coin.Error);
        Assert.Contains("\"answer\":\"answer\"", File.ReadAllText(coin.Folder.PathOf("study", "study.html")), StringComparison.Ordinal);
        Assert.Equal("study,rater,sample,score\nab12,,A001,\n", File.ReadAllText(coin.Folder.PathOf("study", "scores.csv")));
        Assert.Equal(["scores.csv", "study.html"], Directory.GetFiles(coin.Folder.PathOf("study")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task An_import_tells_agreement_and_calls_a_rule_a_rule()
    {
        await RunAsync();
        var agreement = new Agreement(30, 0.5, null, 0.25, 0.75, 1.5);
        coin.Engine.Import = new StudyImport(
            ["Ann", "Ben"],
            30,
            4,
            [new JudgeAgreement("lexical", JudgeKind.Lexical, agreement)],
            [new RaterAgreement("Ann", "Ben", agreement)]
        );
        Assert.Equal(0, await coin.InvokeAsync("judge", "import", "r", "ann.csv", "ben.csv"));
        Assert.Contains("import ann.csv ben.csv as people", coin.Engine.Asked);
        Assert.Contains("people and lexical (a rule, no language model)", coin.Out, StringComparison.Ordinal);
        Assert.Matches(@"Ann and Ben +30 +0\.500 +- +0\.250 +0\.750 +1\.50", coin.Out);
    }

    [Theory]
    [InlineData("judge.kind=openai", "coin.judge.endpoint is not set")]
    [InlineData("judge.kind=local", "coin.judge.path is not set")]
    [InlineData("judge.kind=gpt", "coin.judge.kind is 'gpt'")]
    [InlineData("judge.name=cache", "coin.judge.name")]
    [InlineData("judge.temperature=-1", "coin.judge.temperature")]
    [InlineData("judge.top-p=0", "coin.judge.top-p")]
    public async Task What_a_judge_cannot_be_is_told_with_its_key(string setting, string problem)
    {
        coin.WriteConfiguration();
        Assert.Equal(1, await coin.InvokeAsync("validate", "a.hocon", "--set", setting));
        Assert.Contains(problem, coin.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_judge_recipe_is_valid()
    {
        await RunAsync();
        foreach (
            var recipe in Directory
                .GetFiles(Repository.PathOf("hocon", "judges"), "*.hocon")
                .Where(file => !file.EndsWith("reference-sampling.hocon", StringComparison.Ordinal))
        )
        {
            var code = await coin.InvokeAsync("judge", "run", "r", "--judge", recipe);
            Assert.True(code == 0, $"{recipe}: {coin.Error}");
            Assert.NotEqual("none", coin.Engine.Judge!.Name);
        }
    }

    private async Task RunAsync()
    {
        coin.WriteConfiguration();
        Assert.Equal(0, await coin.InvokeAsync("run", "a.hocon", "--run-id", "r", "--runs", coin.Runs));
    }
}
