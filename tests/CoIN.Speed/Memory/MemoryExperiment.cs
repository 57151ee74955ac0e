using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Adapters;
using CoIN.Speed.Workloads;
using SkiaSharp;

namespace CoIN.Speed.Memory;

/// <summary>A real experiment in a folder: a checkpoint with random weights, tokenizer, a picture, samples of unequal lengths.</summary>
internal sealed class MemoryExperiment(MemoryCase settings, string folder)
{
    /// <summary>Micro-batches that are trained on.</summary>
    public const int Steps = 5;

    private const int Seed = 42;
    private const string Picture = "picture.png";

    public ExperimentOptions Options { get; } =
        new()
        {
            Name = "memory",
            Seed = Seed,
            Tasks =
            [
                new TaskOptions
                {
                    Name = "Memory",
                    Folder = "",
                    Scorer = "gqa",
                },
            ],
            Data = new DataOptions { Instructions = folder, Images = folder },
            Model = new ModelOptions
            {
                Path = folder,
                Conversation = settings.Model.Conversation,
                Dtype = settings.Dtype,
                Quantization = settings.FourBits ? BaseQuantization.Nf4 : BaseQuantization.None,
            },
            Lora = new LoraOptions
            {
                Rank = settings.Rank,
                Alpha = 2 * settings.Rank,
                Dropout = 0.05,
                Targets = settings.Model.LoraTargets,
                TrainProjector = settings.Model.TrainsProjector,
            },
            Training = new TrainingOptions { BatchSize = settings.BatchSize, GradientCheckpointing = settings.Checkpointing },
        };

    /// <summary>Every other question is long, as ScienceQA's with its hints.</summary>
    public IReadOnlyList<TrainingSample> Samples()
    {
        var random = new SeededRandom(Seed);
        return
        [
            .. Enumerable
                .Range(0, Steps * settings.BatchSize)
                .Select(i => new TrainingSample(
                    $"{i}",
                    Picture,
                    [
                        new Turn(
                            "human",
                            $"<image>\n{SyntheticText.Words(random, (i % 2 == 0 ? 20 : 60) + random.Next(i % 2 == 0 ? 41 : 181))}"
                        ),
                        new Turn("gpt", SyntheticText.Words(random, 2 + random.Next(24))),
                    ]
                )),
        ];
    }

    /// <summary>Writes the files.</summary>
    public void Write()
    {
        Directory.CreateDirectory(folder);
        settings.Model.Write(folder, Seed);
        using var bitmap = new SKBitmap(settings.Model.ImageSize, settings.Model.ImageSize);
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        File.WriteAllBytes(Path.Combine(folder, Picture), png.ToArray());
    }
}
