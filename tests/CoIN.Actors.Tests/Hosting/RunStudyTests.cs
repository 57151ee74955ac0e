using CoIN.Actors.Hosting;
using CoIN.Actors.Journal;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace CoIN.Actors.Tests.Hosting;

public sealed class RunStudyTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();

    private string Run => folder.Of("r");

    public async ValueTask InitializeAsync() =>
        await RunHost.RunAsync(
            new RunRequest(
                "r",
                Run,
                TinyExperiments.Of(2) with
                {
                    Judge = new JudgeOptions
                    {
                        Name = "machine",
                        Kind = JudgeKind.OpenAi,
                        Endpoint = "http://x/v1",
                        Model = "m",
                    },
                },
                new NodeSettings()
            ),
            new FakeLearners(),
            new FakeJudges(),
            new FakeWork(),
            new Witness(),
            NullLoggerFactory.Instance,
            CancellationToken.None
        );

    public ValueTask DisposeAsync()
    {
        folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Scores_of_people_become_a_judge_of_its_own_and_are_compared()
    {
        var (study, _, key) = RunChanges.DrawStudy(Run, "all", 12, 1, new FakeWork());
        Assert.True(File.Exists(key));
        var ann = Scores("ann.csv", study.Items.Select((item, place) => $"{study.Id},Ann,{item.Code},{place % 11}"));
        var ben = Scores(
            "ben.csv",
            study.Items.Select((item, place) => $"{study.Id},Ben,{item.Code},{(place % 11 == 10 ? 10 : (place % 11) + 1)}")
        );

        var import = await RunChanges.ImportStudyAsync(Run, [ann, ben], "people", new FakeWork());

        Assert.Equal(["Ann", "Ben"], import.Raters);
        Assert.Equal(12, import.Answers);
        Assert.Equal(12, Assert.Single(import.Between).Agreement.Count);
        Assert.Equal(("machine", JudgeKind.OpenAi), Assert.Single(import.Judges.Select(one => (one.Judge, one.Kind))));
        var state = RunJournal.Read(Run)!;
        var recorded = state.Judgements.Values.Where(cell => cell.Judge == "people").ToList();
        Assert.Equal(import.Cells, recorded.Count);
        Assert.All(recorded, cell => Assert.Equal(JudgeKind.People, cell.Kind));
        Assert.Equal(RunStatus.Completed, state.Status);
        var first = study.Key.Items[0];
        var cell = recorded.Single(cell => cell.Stage == first.Stages[0] && state.TaskNames[cell.Task] == first.Task);
        Assert.Equal(0.5, JudgementsFile.Read(Path.Combine(Run, cell.File)).Single(one => one.QuestionId == first.QuestionId).Corrected);
    }

    [Theory]
    [InlineData("final", 2)]
    [InlineData("just-trained", 2)]
    [InlineData("2:Task1", 1)]
    public void Cells_are_chosen_by_word_or_by_name(string cells, int different)
    {
        var (study, _, _) = RunChanges.DrawStudy(Run, cells, 100, 1, new FakeWork());
        Assert.Equal(different, study.Key.Items.SelectMany(item => item.Stages.Select(stage => (stage, item.Task))).Distinct().Count());
    }

    [Fact]
    public async Task Wrong_files_and_cells_are_refused_by_name()
    {
        Assert.Contains(
            "--cells 9:Task1",
            Assert.Throws<CoinException>(() => RunChanges.DrawStudy(Run, "9:Task1", 1, 1, new FakeWork())).Message,
            StringComparison.Ordinal
        );
        var (study, _, _) = RunChanges.DrawStudy(Run, "all", 3, 1, new FakeWork());
        await Refused("has no study ffffffff", Scores("a.csv", ["ffffffff,Ann,A001,3"]));
        await Refused("has no answer A999", Scores("b.csv", [$"{study.Id},Ann,A999,3"]));
        await Refused("scored A001 twice", Scores("c.csv", [$"{study.Id},Ann,A001,3", $"{study.Id},Ann,A001,4"]));
    }

    private async Task Refused(string why, string file) =>
        Assert.Contains(
            why,
            (await Assert.ThrowsAsync<CoinException>(() => RunChanges.ImportStudyAsync(Run, [file], "people", new FakeWork()))).Message,
            StringComparison.Ordinal
        );

    private string Scores(string name, IEnumerable<string> lines)
    {
        File.WriteAllText(folder.Of(name), "study,rater,sample,score\n" + string.Join('\n', lines) + "\n");
        return folder.Of(name);
    }
}
