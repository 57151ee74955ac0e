using CoIN.Benchmark.Experiments;

namespace CoIN.Cli.Engine;

/// <summary>Makes the miniature experiment's data and model.</summary>
internal interface IMiniature
{
    /// <summary>Draws the miniature tasks into the configured folders unless they are there, whole.</summary>
    /// <param name="tell">Is told, in a sentence, what takes time.</param>
    Task PrepareAsync(ExperimentOptions options, Action<string> tell, CancellationToken stop);

    /// <summary>Draws the miniature tasks into a folder.</summary>
    Task GenerateAsync(MiniGeneration options, Action<string> tell, CancellationToken stop);

    /// <summary>Trains the miniature base model and writes its checkpoint.</summary>
    Task PretrainAsync(MiniPretraining options, Action<string> tell, CancellationToken stop);
}

/// <summary>Options of <c>coin mini generate</c>.</summary>
/// <param name="Folder">Where <c>instructions</c> and <c>images</c> go.</param>
/// <param name="Seed">Seed of the drawings.</param>
/// <param name="TrainSamples">Training samples per task; null for the miniature's own number.</param>
/// <param name="TestSamples">Test samples per task; null for the miniature's own number.</param>
/// <param name="Force">Whether a data set that is there is replaced.</param>
internal sealed record MiniGeneration(string Folder, int Seed, int? TrainSamples, int? TestSamples, bool Force = false);

/// <summary>Options of <c>coin mini pretrain</c>.</summary>
/// <param name="Folder">Where the model folder is written.</param>
/// <param name="Seed">Seed of data and weights.</param>
/// <param name="Steps">Optimizer steps; null for the miniature's own number.</param>
/// <param name="Threads">Compute threads; 0 for all cores.</param>
/// <param name="From">A model folder to go on from; null to begin with random weights.</param>
/// <param name="Force">Whether a model that is there is replaced.</param>
/// <param name="Family">Of which family the model is; null for LLaVA.</param>
internal sealed record MiniPretraining(
    string Folder,
    int Seed,
    int? Steps,
    int Threads,
    string? From,
    bool Force = false,
    string? Family = null
);
