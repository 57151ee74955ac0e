using System.Diagnostics;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Methods;
using CoIN.Models.Tokenization;
using CoIN.Models.Training;
using CoIN.Speed.Workloads;
using static TorchSharp.torch;

namespace CoIN.Speed.Sides;

/// <summary>A training session of the product; a run is a pass over all training samples.</summary>
internal sealed class OurTraining : ISideWork
{
    /// <summary>A template without words of its own beyond the roles: the samples bring theirs.</summary>
    public const string Conversation = "vicuna_v1_no_system";

    // More passes than anyone measures: the session has to know its end beforehand.
    private const int Passes = 10_000;

    private readonly TrainingSession session;
    private readonly int stepsPerPass;
    private readonly Device device;

    /// <param name="change">What is otherwise with the training; null for nothing.</param>
    /// <param name="team">With whom it is trained; null for alone.</param>
    public OurTraining(
        IPictureModel model,
        Workload workload,
        string folder,
        Func<TrainingOptions, TrainingOptions>? change = null,
        TrainingTeam? team = null
    )
    {
        var options = Options(workload, Workload.ModelOf(folder));
        options = change is null ? options : options with { Training = change(options.Training) };
        var task = options.Tasks[0];
        var samples = Samples(workload);
        device = model.Language.Device;
        var prompts = SpeedFamily
            .Of(workload.Family)
            .Prompts(
                SentencePieceTokenizer.Load(Path.Combine(folder, "tokenizer.model")),
                Conversation,
                options.Model.MaxLength,
                workload.ImageTokens
            );
        session = new TrainingSession(
            model,
            options,
            new StageTraining(1, task.Name, task.BatchSize ?? options.Training.BatchSize, samples, null, null)
            {
                Team = team ?? TrainingTeam.Alone,
            },
            prompts,
            PixelFile.Open(workload, folder),
            TrainingMethods.Known,
            warning => throw new CoinException(warning)
        );
        stepsPerPass = (int)Math.Ceiling(samples.Count / (double)workload.BatchSize);
    }

    /// <summary>The workload's training as an experiment.</summary>
    /// <param name="path">The model's folder.</param>
    public static ExperimentOptions Options(Workload workload, string path) =>
        new()
        {
            Name = "speed",
            Seed = workload.Seed,
            Tasks =
            [
                new TaskOptions
                {
                    Name = "Speed",
                    Folder = "",
                    Scorer = "gqa",
                },
            ],
            Data = new DataOptions { Instructions = "", Images = "" },
            Model = new ModelOptions
            {
                Path = path,
                Conversation = Conversation,
                Dtype = workload.Dtype,
            },
            Lora = new LoraOptions
            {
                Rank = workload.LoraRank,
                Alpha = workload.LoraAlpha,
                Dropout = workload.LoraDropout,
                Targets = workload.LoraTargets,
                TrainProjector = SpeedFamily.Of(workload.Family).TrainsProjector,
            },
            Training = new TrainingOptions
            {
                LearningRate = workload.LearningRate,
                Schedule = Schedule.Constant,
                WarmupRatio = 0,
                BatchSize = workload.BatchSize,
                Epochs = Passes,
                GradientCheckpointing = workload.GradientCheckpointing,
            },
        };

    public static IReadOnlyList<TrainingSample> Samples(Workload workload) =>
        [
            .. workload.Training.Select(
                (row, i) =>
                    new TrainingSample(
                        $"{i}",
                        $"{row.Picture}",
                        [new Turn("human", $"<image>\n{row.Question}"), new Turn("gpt", row.Answer)]
                    )
            ),
        ];

    public SideRun Run(string task, string how)
    {
        // The unmeasured run is a whole pass too, so that every measured one begins with a fresh permutation of all samples.
        var clock = Stopwatch.StartNew();
        double loss = 0;
        for (var i = 0; i < stepsPerPass; i++)
        {
            loss += session.NextStep().Loss / stepsPerPass;
        }

        DeviceWork.Await(device);
        return new SideRun(clock.Elapsed.TotalSeconds, loss, null);
    }

    /// <summary>Trains a step.</summary>
    public void Step() => session.NextStep();

    public void Dispose() => session.Dispose();
}
