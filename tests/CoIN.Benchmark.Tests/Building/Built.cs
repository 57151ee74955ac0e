using CoIN.Benchmark.Building;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Building;

/// <summary>Builds tasks of the raw sets in a folder of a test's own, and reads them as a run does.</summary>
internal sealed class Built : IDisposable
{
    public TemporaryFolder Folder { get; } = new();

    public List<string> Told { get; } = [];

    public BuiltTask Build(string task, BuildOptions? options = null, string output = "out") =>
        DatasetBuild.Run(
            task,
            Folder.File("raw"),
            Folder.File(output),
            options ?? new BuildOptions { Classes = 4 },
            Told.Add,
            CancellationToken.None
        );

    /// <summary>What the fault of a build says.</summary>
    public string FaultOf(string task, BuildOptions? options = null) => Assert.Throws<CoinException>(() => Build(task, options)).Message;

    public static IReadOnlyList<TrainingSample> Training(BuiltTask built) =>
        TrainingSamples.Read(Path.Combine(built.Folder, built.Training.File));

    public static IReadOnlyList<TestSample> Test(BuiltTask built) => TestSamples.Read(Path.Combine(built.Folder, built.Test.File));

    /// <summary>The first object of a file, as JSON.</summary>
    public static JObject First(BuiltTask built, BuiltSplit split) =>
        (JObject)JArray.Parse(File.ReadAllText(Path.Combine(built.Folder, split.File)))[0];

    public void Dispose() => Folder.Dispose();
}
