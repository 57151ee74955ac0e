using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Checkpoints;
using CoIN.Models.Imaging;
using CoIN.Models.Methods;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

/// <summary>Gradients of single samples at the end of a stage.</summary>
public sealed class FisherDiagonalTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly TemporaryFolder folder = new();

    public void Dispose()
    {
        folder.Dispose();
        scope.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_is_that_of_transformers_and_PEFT(bool kernels)
    {
        using var model = new TextAlone(Llama(), TrainingWays.Backend(kernels));
        var tokens = Samples("old1");
        var options = new ExperimentOptions
        {
            Name = "f",
            Method = "fisher",
            Tasks = [],
            Data = new DataOptions { Instructions = "", Images = "" },
            Model = new ModelOptions { MaxLength = 64 },
            Lora = new LoraOptions
            {
                Rank = 4,
                Alpha = 8,
                Dropout = 0.5,
                TrainProjector = false,
            },

            // A step that moves nothing: the Fisher information is wanted where the adapter is.
            Training = new TrainingOptions
            {
                LearningRate = 0,
                WarmupRatio = 0,
                BatchSize = 4,
                MaxSteps = 1,
            },
        };
        using var session = new TrainingSession(
            model,
            options,
            new StageTraining(
                1,
                "old1",
                4,
                [.. tokens.Keys.Order(StringComparer.Ordinal).Select(id => new TrainingSample(id, null, []))],
                GoldenFolder.Of("methods-llama", "star1"),
                null
            ),
            new GivenTokens(tokens),
            new ImageLoader("", 0, _ => throw new NotSupportedException()),
            new TrainingMethods(new TrainingMethodEntry("fisher", _ => new FisherDiagonal())),
            warning => Assert.Fail(warning)
        );
        session.NextStep();
        session.SaveAdapter(folder.Path);

        using var found = new SafetensorsFile(folder.Of(AdapterFiles.MethodTensors));
        const string Prefix = "mean.task1.";
        var expected = GoldenFolder
            .Tensors("methods-llama", "fisher.safetensors")
            .Where(pair => pair.Key.StartsWith(Prefix, StringComparison.Ordinal))
            .ToList();
        Assert.Equal(28, expected.Count);
        Assert.Equal(
            expected.Select(pair => "fisher." + pair.Key[Prefix.Length..]).Order(StringComparer.Ordinal),
            found.Names.Order(StringComparer.Ordinal)
        );
        Assert.All(expected, pair =>
            Assert.InRange(
                GoldenFolder.Difference(pair.Value, found.Read("fisher." + pair.Key[Prefix.Length..])),
                0,
                1e-4 * pair.Value.abs().max().item<float>()
            )
        );
    }

    [Fact]
    public void A_stage_that_is_stopped_amid_it_does_it_again_with_the_same_bytes()
    {
        using var tiny = new TinyStage();
        tiny.Train("whole", 3, false, new FisherDiagonal());
        using (var session = tiny.Open(false, new FisherDiagonal()))
        {
            while (session.Step < session.TotalSteps)
            {
                session.NextStep();
            }

            Assert.Equal(new ConclusionReport(1, 6), session.Conclude());
            Assert.Equal(new ConclusionReport(2, 6), session.Conclude());
            session.SaveCheckpoint(Directory.CreateDirectory(tiny.Folder.Of("amid")).FullName);
        }

        Assert.Equal(tiny.Contents("whole-checkpoint"), tiny.Contents("amid"));
        tiny.Train("again", 3, false, new FisherDiagonal(), checkpoint: "amid");
        Assert.Equal(tiny.Contents("whole"), tiny.Contents("again"));
        Assert.Equal(TinyStage.Samples.Count, Count(tiny));
    }

    /// <summary>Conclusions of a stage, one by one.</summary>
    private static int Count(TinyStage tiny)
    {
        using var session = tiny.Open(false, new FisherDiagonal(), checkpoint: "amid");
        var count = 0;
        while (session.Conclude() is not null)
        {
            count++;
        }

        return count;
    }

    private static DecoderModel Llama()
    {
        using var checkpoint = CheckpointFolder.Open(GoldenFolder.Of("methods-llama", "llama"));
        return new DecoderModel(
            checkpoint,
            "model.",
            "lm_head.weight",
            new DecoderConfig(32, 64, 2, 4, 4, 96, 1e-5, 10000, 512, false),
            ScalarType.Float32,
            CPU
        );
    }

    private static Dictionary<string, TokenizedSample> Samples(string name)
    {
        var inputs = GoldenFolder.Tensors("methods-llama", "inputs.safetensors");
        List<int> Row(string part, long row, long length) =>
            [.. inputs[$"{name}.{part}"][row].data<long>().Take((int)length).Select(value => (int)value)];
        return Enumerable
            .Range(0, (int)inputs[$"{name}.input_ids"].size(0))
            .ToDictionary(
                row => $"{row:00}",
                row =>
                {
                    var length = inputs[$"{name}.attention_mask"][row].sum().item<long>();
                    return new TokenizedSample(Row("input_ids", row, length), Row("labels", row, length));
                }
            );
    }
}
