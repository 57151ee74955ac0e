using CoIN.Benchmark.Data;
using CoIN.Benchmark.Scoring;

namespace CoIN.Benchmark.Building;

/// <summary>The builders by the paper's names of their tasks.</summary>
internal static class TaskBuilders
{
    /// <summary>All of them, in the paper's order.</summary>
    public static IReadOnlyList<TaskBuilder> All { get; } =
    [
        new ScienceQaBuilder(),
        new TextVqaBuilder(),
        new ImageNetBuilder(),
        new GqaBuilder(),
        new VizWizBuilder(),
        new GroundingBuilder(),
        new VqaV2Builder(),
        new OcrVqaBuilder(),
    ];

    /// <summary>The builder of a task.</summary>
    /// <param name="task">The paper's name or the folder's; case does not matter.</param>
    /// <exception cref="CoinException">There is no such builder; the message names the nearest.</exception>
    public static TaskBuilder Of(string task) =>
        All.FirstOrDefault(builder =>
            task.Equals(builder.Task, StringComparison.OrdinalIgnoreCase) || task.Equals(builder.Folder, StringComparison.OrdinalIgnoreCase)
        )
        ?? throw new CoinException(
            $"There is no builder for the task {task}; did you mean {NearestName.Of(task, All.Select(builder => builder.Task))}? "
                + $"There are {string.Join(", ", All.Select(builder => builder.Task))}, and all."
        )
        {
            ExitCode = CoinException.Usage,
        };
}
