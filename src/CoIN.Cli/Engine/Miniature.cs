using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Mini;
using CoIN.Mini.Pretraining;

namespace CoIN.Cli.Engine;

/// <summary>The miniature experiment's data and model, made by CoIN.Mini.</summary>
internal sealed class Miniature : IMiniature
{
    /// <summary>Families of which there are base models, the usual one first.</summary>
    public static IReadOnlyList<string> Families => MiniModel.Families;

    public Task PrepareAsync(ExperimentOptions options, Action<string> tell, CancellationToken stop)
    {
        var folder = Path.GetDirectoryName(options.Data.Instructions)!;
        if (
            Path.GetFileName(options.Data.Instructions) != MiniDataset.Instructions
            || options.Data.Images != Path.Combine(folder, MiniDataset.Images)
        )
        {
            throw new CoinException(
                $"coin.data.prepare draws {MiniDataset.Instructions} and {MiniDataset.Images} side by side in one folder, but coin.data.instructions is "
                    + $"{options.Data.Instructions} and coin.data.images is {options.Data.Images}. Name them so, or leave coin.data.prepare out."
            );
        }

        return Directory.Exists(folder) ? Task.CompletedTask : DrawAsync(folder, new MiniDatasetOptions(), tell);
    }

    public Task GenerateAsync(MiniGeneration options, Action<string> tell, CancellationToken stop)
    {
        Replacement.Check(options.Folder, options.Force, "data", name => name is MiniDataset.Instructions or MiniDataset.Images);
        var usual = new MiniDatasetOptions();
        return DrawAsync(
            options.Folder,
            new MiniDatasetOptions(options.Seed, options.TrainSamples ?? usual.TrainPerTask, options.TestSamples ?? usual.TestPerTask),
            tell
        );
    }

    public Task PretrainAsync(MiniPretraining options, Action<string> tell, CancellationToken stop)
    {
        Replacement.Check(options.Folder, options.Force, "a model", MiniModel.IsFile);
        var settings = new PretrainingOptions
        {
            Seed = options.Seed,
            From = options.From,
            Family = options.Family,
            Threads = options.Threads == 0 ? Environment.ProcessorCount : options.Threads,
        };
        return Task.Run(
            () => MiniModel.Pretrain(options.Folder, options.Steps is { } steps ? settings with { Steps = steps } : settings, tell, stop),
            CancellationToken.None
        );
    }

    private static Task DrawAsync(string folder, MiniDatasetOptions options, Action<string> tell) =>
        Task.Run(() =>
        {
            tell(
                $"Drawing the miniature tasks into {folder} ({options.TrainPerTask} training and {Plural.Of(options.TestPerTask, "test sample")} each)…"
            );
            MiniDataset.Generate(folder, options);
        });
}
