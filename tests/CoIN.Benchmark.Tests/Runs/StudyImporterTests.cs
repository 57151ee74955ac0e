using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

public sealed class StudyImporterTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Peoples_scores_become_an_event_for_each_cell_that_they_looked_at()
    {
        var state = Tested();
        var (study, images, _) = StudyDraw.Draw(folder.Path, state, "0:Task2", 2, 1, new FakeWork());
        Assert.Equal("p", images);
        File.WriteAllText(
            folder.File("scores.csv"),
            $"study,rater,sample,score\n{study.Id},Ann,{study.Items[0].Code},10\n{study.Id},Ben,{study.Items[0].Code},5\n{study.Id},Ann,{study.Items[1].Code},0\n"
        );

        var (events, import) = StudyImporter.Import(folder.Path, state, [folder.File("scores.csv")], "people");

        var judged = Assert.IsType<CellJudged>(Assert.Single(events));
        Assert.Equal((0, 1, "people", JudgeKind.People, 2), (judged.Stage, judged.Task, judged.Judge, judged.Kind, judged.Samples));
        Assert.Equal(Durable.Sha256(folder.File(judged.File)), judged.Sha256);
        Assert.Equal([0, 7.5], JudgementsFile.Read(folder.File(judged.File)).Select(one => one.Published).Order());
        Assert.Equal((2, 1), (import.Answers, import.Cells));
        Assert.Equal(["Ann", "Ben"], import.Raters);
        Assert.Empty(import.Judges);
        Assert.Empty(import.Reports);
    }

    [Fact]
    public void The_name_of_a_judge_of_the_run_is_not_that_of_people()
    {
        var state = Tested()
            .With(
                new JudgeAppointed(
                    new JudgeOptions
                    {
                        Name = "people",
                        Kind = JudgeKind.OpenAi,
                        Endpoint = "http://x/v1",
                        Model = "m",
                    }
                )
            );
        var fault = Assert.Throws<CoinException>(() => StudyImporter.Import(folder.Path, state, [], "people"));
        Assert.Contains("people is the name of another judge", fault.Message, StringComparison.Ordinal);
    }

    private RunState Tested() =>
        States
            .Begun(TinyExperiments.Of(2, ZeroShot.Name))
            .WithCell(folder.Path, 0, 0, "1357913", new FakeWork())
            .WithCell(folder.Path, 0, 1, "4681111", new FakeWork());
}
