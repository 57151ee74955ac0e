using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families;
using CoIN.Models.Imaging;
using CoIN.Models.Methods;
using CoIN.Models.Tests.Support;
using CoIN.Models.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Support;

/// <summary>Stages of a tiny LLaVA, trained by either backend and by any method.</summary>
internal sealed class TinyStage : IDisposable
{
    private readonly LoadedModel loaded;

    public TinyStage()
    {
        TinyLlava.WriteHub(Folder.Of("model"));
        loaded = ModelFamilies.Of(Options.Model).Load(Options.Model, ScalarType.Float32, CPU, _ => { });
    }

    public TemporaryFolder Folder { get; } = new();

    public List<string> Warnings { get; } = [];

    public ExperimentOptions Options =>
        TinyRun.Options(Folder) with
        {
            Method = PulledMethods.Watched,
            Training = new TrainingOptions
            {
                LearningRate = 1e-2,
                Schedule = Schedule.Constant,
                WarmupRatio = 0,
                BatchSize = 2,
                GradientAccumulation = 2,
                MaxSteps = 3,
                MaxGradNorm = 0,
            },
        };

    public static IReadOnlyList<TrainingSample> Samples { get; } =
    [
        .. Enumerable
            .Range(0, 6)
            .Select(i => new TrainingSample($"s{i}", null, [new("human", $"a{"abcdef"[i]} b"), new("gpt", $"{"fedcba"[i]}")])),
    ];

    /// <summary>Opens a stage.</summary>
    /// <param name="adapter">Name of the adapter's folder, or null.</param>
    /// <param name="checkpoint">Name of the checkpoint's folder, or null.</param>
    /// <param name="kind">Of adapter that the method trains; null for LoRA.</param>
    /// <param name="samples">Null for <see cref="Samples"/>.</param>
    public TrainingSession Open(
        bool kernels,
        TrainingMethod? method,
        ExperimentOptions? options = null,
        int stage = 1,
        string? adapter = null,
        string? checkpoint = null,
        IAdapterKind? kind = null,
        IReadOnlyList<TrainingSample>? validation = null,
        IReadOnlyList<TrainingSample>? samples = null
    )
    {
        var chosen = options ?? Options;
        return new TrainingSession(
            new BackedModel(loaded.Model, TrainingWays.Backend(kernels)),
            chosen,
            new StageTraining(
                stage,
                "T",
                chosen.Training.BatchSize,
                samples ?? Samples,
                adapter is null ? null : Folder.Of(adapter),
                checkpoint is null ? null : Folder.Of(checkpoint)
            )
            {
                Validation = validation ?? [],
            },
            loaded.Settings.Prompts(chosen.Model),
            new ImageLoader(Folder.Path, loaded.Settings.Pictures.Size, _ => throw new NotSupportedException()),
            new TrainingMethods(
                new TrainingMethodEntry(chosen.Method, method is null ? null : _ => method, kind is null ? null : _ => kind)
            ),
            Warnings.Add
        );
    }

    /// <summary>Trains to a step and writes the adapter.</summary>
    /// <param name="name">Of the adapter's folder; beside it comes a checkpoint.</param>
    public void Train(
        string name,
        int steps,
        bool kernels,
        TrainingMethod? method,
        ExperimentOptions? options = null,
        int stage = 1,
        string? adapter = null,
        string? checkpoint = null,
        IAdapterKind? kind = null
    )
    {
        using var session = Open(kernels, method, options, stage, adapter, checkpoint, kind);
        while (session.Step < steps)
        {
            session.NextStep();
        }

        session.SaveCheckpoint(Directory.CreateDirectory(Folder.Of($"{name}-checkpoint")).FullName);
        session.SaveAdapter(Directory.CreateDirectory(Folder.Of(name)).FullName);
    }

    /// <summary>The tensors of a file in a folder.</summary>
    public Dictionary<string, Tensor> Tensors(string folder, string file)
    {
        using var tensors = new SafetensorsFile(Folder.Of(folder, file));
        return tensors.Entries.Keys.ToDictionary(name => name, tensors.Read);
    }

    /// <summary>Files of a folder with their bytes.</summary>
    public SortedDictionary<string, string> Contents(string folder) =>
        new(
            Directory
                .GetFiles(Folder.Of(folder))
                .ToDictionary(file => Path.GetFileName(file), file => Convert.ToHexString(File.ReadAllBytes(file)))
        );

    public void Dispose()
    {
        loaded.Model.Dispose();
        Folder.Dispose();
    }
}
