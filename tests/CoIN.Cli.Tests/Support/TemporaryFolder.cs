namespace CoIN.Cli.Tests.Support;

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("coin-cli-").FullName;

    public string PathOf(params string[] parts) => System.IO.Path.Combine([Path, .. parts]);

    public string Write(string name, string text)
    {
        var path = PathOf(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Data and model folders in which nothing is missing for the task GQA; the settings that name them.</summary>
    public string[] Complete()
    {
        Write("data/GQA/train.json", "[]");
        Write("data/GQA/test.json", "[]");
        Write("images/x", "");
        Write("model/config.json", "{}");
        return ["data.instructions=data", "data.images=images", "model.path=model", "order=GQA"];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
