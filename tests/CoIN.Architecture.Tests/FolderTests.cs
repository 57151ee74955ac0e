namespace CoIN.Architecture.Tests;

/// <summary>
/// The order of the folders of the other projects: each uses those above it and no others. "" is the project's own folder.
/// </summary>
public sealed class FolderTests
{
    private static readonly Dictionary<string, Dictionary<string, string[]>> Projects = new(StringComparer.Ordinal)
    {
        ["CoIN.Benchmark"] = new()
        {
            [""] = [],
            ["Files"] = [],
            ["Texts"] = [],
            ["Steps"] = ["Files"],
            ["Pickle"] = [],
            ["Methods"] = [],
            ["Instructions"] = [],
            ["Experiments"] = ["Methods"],

            // The paper, section by section.
            ["Data"] = ["Experiments", "Files", "Texts"],
            ["Routing"] = ["Files"],
            ["Learning"] = ["Experiments", "Files", "Data", "Routing"],
            ["Predictions"] = ["Files", "Data"],
            ["Scoring"] = ["Files", "Texts", "Data"],
            ["Building"] = ["Files", "Texts", "Data", "Instructions", "Pickle", "Scoring"],
            ["Checking"] = ["Experiments", "Files", "Data", "Scoring"],
            ["Judging"] = ["Experiments", "Files", "Data", "Scoring"],
            ["Metrics"] = ["Files", "Scoring"],
            ["Published"] = ["Instructions", "Metrics"],
            // A run's events and its state; reports read it.
            ["Runs"] = ["Methods", "Experiments", "Files", "Data", "Routing", "Steps", "Learning", "Scoring", "Judging", "Predictions"],
            ["Reports"] =
            [
                "Methods",
                "Instructions",
                "Experiments",
                "Files",
                "Data",
                "Routing",
                "Steps",
                "Scoring",
                "Judging",
                "Metrics",
                "Predictions",
                "Published",
                "Runs",
            ],
            ["Work"] = ["Experiments", "Files", "Data", "Scoring", "Predictions", "Runs", "Reports"],
        },
        ["CoIN.Actors"] = new()
        {
            ["Protocol"] = [],
            ["Journal"] = ["Protocol"],
            ["Telemetry"] = [],
            ["Channels"] = [],
            ["Artifacts"] = ["Protocol", "Journal", "Channels"],
            ["Links"] = ["Protocol", "Channels"],
            ["Workers"] = ["Protocol", "Journal", "Telemetry", "Artifacts", "Links"],
            ["Scheduling"] = ["Protocol", "Journal", "Telemetry", "Artifacts"],
            ["Hosting"] = ["Protocol", "Journal", "Channels", "Artifacts", "Links", "Workers", "Scheduling"],
            ["Nodes"] = ["Protocol", "Journal", "Channels", "Artifacts", "Links", "Workers", "Scheduling", "Hosting"],
        },
        ["CoIN.Configuration"] = new() { [""] = [] },
        ["CoIN.Mini"] = new()
        {
            ["Drawing"] = [],
            ["World"] = ["Drawing"],
            ["Tasks"] = ["Drawing", "World"],
            ["Pretraining"] = ["Drawing", "World", "Tasks"],
            [""] = ["Drawing", "World", "Tasks", "Pretraining"],
        },
        ["CoIN.Cli"] = new()
        {
            ["Diagnosis"] = [],
            ["Engine"] = [],
            ["Logging"] = [],
            ["Hosting"] = ["Engine"],
            ["Views"] = ["Hosting"],
            ["Runs"] = ["Hosting", "Views"],
            ["Watching"] = ["Logging", "Views"],
            ["Commands"] = ["Diagnosis", "Engine", "Hosting", "Logging", "Views", "Runs", "Watching"],
            [""] = ["Engine", "Hosting", "Commands"],
        },
    };

    public static TheoryData<string> Names => [.. Projects.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void No_folder_uses_another_that_it_may_not(string project) =>
        Assert.Equal("", string.Join('\n', SourceArrows.Forbidden(SourceArrows.Read(project), Projects[project])));

    [Theory]
    [MemberData(nameof(Names))]
    public void No_folder_uses_itself_by_a_way_around(string project) => Assert.Null(SourceArrows.Cycle(Projects[project]));
}
