namespace CoIN.Mini.Tests.Support;

/// <summary>A small data set on disk, drawn once for all tests that only read it.</summary>
public sealed class GeneratedData : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("coin-mini-").FullName;

    public GeneratedData() => MiniDataset.Generate(Folder, Options);

    public static MiniDatasetOptions Options { get; } = new(Seed: 5, TrainPerTask: 6, TestPerTask: 4);

    public string Folder => Path.Combine(root, "data");

    public void Dispose() => Directory.Delete(root, recursive: true);
}
