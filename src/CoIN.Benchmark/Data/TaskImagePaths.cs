namespace CoIN.Benchmark.Data;

/// <summary>Image paths of benchmarks whose files name them relative to a folder of the task, as MLLM-CL's do.</summary>
internal static class TaskImagePaths
{
    /// <summary>A training sample whose image path is relative to the image root.</summary>
    /// <param name="folder">The task's folder below the root; null where the paths are relative to the root already.</param>
    public static TrainingSample In(this TrainingSample sample, string? folder) =>
        folder is null || sample.Image is null
            ? sample
            : sample with
            {
                Image = Below(folder, sample.Image),
                FurtherImages = Below(folder, sample.FurtherImages),
            };

    /// <inheritdoc cref="In(TrainingSample, string?)"/>
    public static TestSample In(this TestSample sample, string? folder) =>
        folder is null || sample.Image is null
            ? sample
            : sample with
            {
                Image = Below(folder, sample.Image),
                FurtherImages = Below(folder, sample.FurtherImages),
            };

    private static IReadOnlyList<string> Below(string folder, IReadOnlyList<string> images) =>
        images.Count == 0 ? images : [.. images.Select(image => Below(folder, image))];

    private static string Below(string folder, string image) => $"{folder.TrimEnd('/')}/{image}";
}
