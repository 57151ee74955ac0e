using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using Microsoft.Extensions.Logging;

namespace CoIN.Actors.Hosting;

/// <summary>
/// What a process lends to runs and how it is reached: it decides how soon the numbers come. (Thread counts may change their last bits.)
/// </summary>
public sealed record NodeSettings
{
    /// <summary>
    /// Devices that may be used: <c>cpu</c>, <c>cuda:0</c>, …; of a run by itself the first ones train, as many as
    /// <c>training.world-size</c> asks for; all of them evaluate.
    /// </summary>
    public IReadOnlyList<string> Devices { get; init; } = ["cpu"];

    /// <summary>Compute threads of a trainer; 0 for all cores divided by the trainers of the device.</summary>
    [Bounds(AtLeast = 0, Zero = "automatic")]
    public int TrainerThreads { get; init; }

    /// <summary>Trainers that share one device, each with a run of its own, or several with one.</summary>
    [Bounds(AtLeast = 1)]
    public int TrainersPerDevice { get; init; } = 1;

    /// <summary>Evaluators that share one device.</summary>
    [Bounds(AtLeast = 1)]
    public int EvaluatorsPerDevice { get; init; } = 1;

    /// <summary>Compute threads of one evaluator; 0 for all cores divided by the evaluators of the device.</summary>
    [Bounds(AtLeast = 0, Zero = "automatic")]
    public int EvaluatorThreads { get; init; }

    /// <summary>Judges that ask at once; those of one process share <c>coin.judge.concurrency</c>.</summary>
    [Bounds(AtLeast = 1)]
    public int Judges { get; init; } = 2;

    /// <summary>Alone, or a node of a cluster.</summary>
    [NoKey("Keys cluster, hostname, port, seed-nodes and certificate together.")]
    public NodePlacement Placement { get; init; } = new NodePlacement.Alone();

    /// <summary>What it shares with others.</summary>
    [NoKey("The section coin.cluster.")]
    public ClusterSettings Cluster { get; init; } = new();

    /// <summary>What it writes for those who look on.</summary>
    [NoKey("The section coin.watch.")]
    public WatchSettings Watch { get; init; } = new();

    /// <summary>What this node does: <c>supervisor</c>, <c>trainer</c>, <c>evaluator</c>, <c>judge</c>.</summary>
    public IReadOnlyList<string> Roles { get; init; } = ["supervisor", "trainer", "evaluator", "judge"];

    /// <summary>The folder that holds one folder per run; empty where the configuration leaves it to the command line.</summary>
    [PathOption]
    public string Runs { get; init; } = "";

    /// <summary>
    /// Where this host has what runs' configurations name by other paths: lines such as <c>/data/hf = /mnt/models</c>.
    /// </summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary><see cref="Paths"/>, read.</summary>
    [Newtonsoft.Json.JsonIgnore]
    public LocalPaths Local => LocalPaths.Parse(Paths);

    /// <summary>
    /// Base models that a device holds at most, as far as nobody works with them: before another one is loaded there, those are freed that
    /// have not been used for longest.
    /// </summary>
    [Bounds(AtLeast = 1)]
    public int ModelsKept { get; init; } = 1;

    /// <summary>
    /// TCP port at which this node gives files of runs to others, where the nodes of its cluster have no common folder; 0 for any free one.
    /// </summary>
    [Bounds(AtLeast = 0, AtMost = 65535)]
    public int FilePort { get; init; }

    /// <summary>
    /// TCP port at which this node's trainers are called by those of other nodes that train a stage with them; 0 for any free one.
    /// </summary>
    [Bounds(AtLeast = 0, AtMost = 65535)]
    public int LinkPort { get; init; }

    /// <summary>Least severe level that is logged.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
}
