using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Metrics;

namespace CoIN.Benchmark.Reports;

/// <summary>The accuracy matrix that a curriculum fills.</summary>
public static class CurriculumMatrix
{
    /// <summary>
    /// A row for each stage that is trained, none of its cells measured; a lower triangle where nothing is trained, which stays empty.
    /// </summary>
    /// <param name="tasks">The number of tasks.</param>
    public static AccuracyMatrix Empty(Curriculum curriculum, int tasks)
    {
        if (curriculum.Trained.Count == 0)
        {
            return new AccuracyMatrix(tasks);
        }

        var stages = curriculum.Trained.Select(stage => stage.Number).ToList();
        return new AccuracyMatrix(
            tasks,
            [.. curriculum.Trained.Select(stage => stage.Tests)],
            [.. Enumerable.Range(0, tasks).Select(task => curriculum.Learns(task) ? stages.IndexOf(curriculum.FirstOf(task).Number) : 0)]
        );
    }
}
