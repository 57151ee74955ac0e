using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.Tasks;
using CoIN.Mini.World;

namespace CoIN.Mini.Tests.Support;

/// <summary>The tasks and items that tests look at.</summary>
internal static class Miniatures
{
    /// <summary>Folders of all tasks, for theories.</summary>
    public static TheoryData<string> Folders => [.. MiniTasks.All.Select(task => task.Folder)];

    public static MiniTask Task(string folder) => MiniTasks.All.Single(task => task.Folder == folder);

    public static string ScorerKey(string folder) => folder.ToLowerInvariant();

    /// <summary>Items as the corpus draws them, with both wordings.</summary>
    public static List<MiniItem> Items(string folder, int count) =>
        [.. Enumerable.Range(0, count).Select(i => Task(folder).Draw(new SeededRandom(SeededRandom.Combine(3, i))))];

    /// <summary>An item as a reader of its file would hand it to a scorer.</summary>
    public static TestSample AsTestSample(string folder, MiniItem item) =>
        new("1", null, MiniDataset.Question(Task(folder), item), item.Short.Answer)
        {
            Answers = [.. Enumerable.Repeat(item.Short.Answer, 10)],
            Choices = folder == "ScienceQA" ? 3 : null,
            Size = (Canvas.Size, Canvas.Size),
        };
}
