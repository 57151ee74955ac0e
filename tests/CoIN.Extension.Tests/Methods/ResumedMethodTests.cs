using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Methods;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.OLora;
using CoIN.Models.Methods;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

/// <summary>Two stages of each method: the second one in one go, and in two.</summary>
public sealed class ResumedMethodTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly TinyStage tiny = new();

    public static TheoryData<string, bool> Methods { get; } =
        new MatrixTheoryData<string, bool>(
            ["ewc", "ewc-online-host", "lwf", "lwf-new-task", "replay", "ema", "o-lora", "reg-lora"],
            [false, true]
        );

    public void Dispose()
    {
        tiny.Dispose();
        scope.Dispose();
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_stage_that_is_resumed_ends_with_the_same_bits_and_unlike_one_without_the_method(string key, bool kernels)
    {
        IAdapterKind? kind = key is "o-lora" or "reg-lora" ? new OLoraKind() : null;
        tiny.Train("first", 3, kernels, Of(key), kind: kind);
        tiny.Train("whole", 3, kernels, Of(key), stage: 2, adapter: "first", kind: kind);
        tiny.Train("again", 3, kernels, Of(key), stage: 2, adapter: "first", kind: kind);
        Assert.Equal(tiny.Contents("whole"), tiny.Contents("again"));

        using (var session = tiny.Open(kernels, Of(key), stage: 2, adapter: "first", kind: kind))
        {
            session.Next();
            session.Next();
            session.Next();
            session.SaveCheckpoint(Directory.CreateDirectory(tiny.Folder.Of("amid")).FullName);
        }

        tiny.Train("resumed", 3, kernels, Of(key), stage: 2, adapter: "first", checkpoint: "amid", kind: kind);
        Assert.Equal(tiny.Contents("whole"), tiny.Contents("resumed"));

        // A checkpoint that was written when the adapter could not be.
        using (var session = tiny.Open(kernels, Of(key), stage: 2, adapter: "first", checkpoint: "amid", kind: kind))
        {
            while (session.Step < session.TotalSteps)
            {
                session.Next();
            }

            session.SaveAdapter(Directory.CreateDirectory(tiny.Folder.Of("lost")).FullName);
            session.SaveCheckpoint(Directory.CreateDirectory(tiny.Folder.Of("behind")).FullName);
        }

        tiny.Train("from-behind", 3, kernels, Of(key), stage: 2, adapter: "first", checkpoint: "behind", kind: kind);
        Assert.Equal(tiny.Contents("whole"), tiny.Contents("from-behind"));

        tiny.Train("plain", 3, kernels, null, stage: 2, adapter: "first", kind: kind);
        Assert.NotEqual(tiny.Contents("plain")["adapter_model.safetensors"], tiny.Contents("whole")["adapter_model.safetensors"]);
    }

    [Fact]
    public void Replay_trains_later_stages_on_the_kept_samples_of_all_before()
    {
        tiny.Train("first", 3, false, Of("replay"));
        tiny.Train("second", 3, false, Of("replay"), stage: 2, adapter: "first");
        var method = new Replay(new ReplayOptions { Samples = 2 });
        using (var session = tiny.Open(false, method, stage: 3, adapter: "second"))
        {
            var kept = KeptSamples.In(method.State);
            Assert.Equal([1, 2], kept.Select(task => task.Stage));
            Assert.All(kept, task =>
                Assert.Subset(
                    TinyStage.Samples.Select(sample => sample.Id).ToHashSet(),
                    task.Samples.Select(sample => sample.Id).ToHashSet()
                )
            );
            Assert.Equal([2, 2], kept.Select(task => task.Samples.Count));
            var all = method.Samples(TinyStage.Samples);
            Assert.Equal(TinyStage.Samples.Count + 4, all.Count);
            Assert.Equal(TinyStage.Samples[0].Conversations, all.First(sample => sample.Id == "s0").Conversations);
        }

        // What is drawn follows from the seed.
        Assert.Contains(Enumerable.Range(0, 20), seed =>
            !KeptSamples
                .Draw(TinyStage.Samples, 2, Info(seed), Draws.Kept)
                .SequenceEqual(KeptSamples.Draw(TinyStage.Samples, 2, Info(42), Draws.Kept))
        );

        static StageInfo Info(int seed) => new(1, "T", seed, CPU, "", _ => { });
    }

    [Fact]
    public void A_kept_sample_whose_image_is_gone_and_too_few_samples_are_told_before_the_stage()
    {
        using var method = new Replay(new ReplayOptions { Samples = 1 })
        {
            Stage = new StageInfo(2, "T", 1, CPU, tiny.Folder.Path, _ => { }),
        };
        new KeptSamples(1, "S", [new TrainingSample("seven", "gone.png", [])]).AddTo(method.State);
        var gone = Assert.Throws<CoinException>(() => method.Samples(TinyStage.Samples));
        Assert.Contains("seven", gone.Message, StringComparison.Ordinal);
        Assert.Contains("gone.png", gone.Message, StringComparison.Ordinal);
        foreach (
            var many in new TrainingMethod[]
            {
                new Replay(new ReplayOptions { Samples = 7 }),
                new Ewc(new EwcOptions { Samples = 7 }),
                new Lwf(new LwfOptions { Samples = 7 }),
            }
        )
        {
            Assert.Contains(
                "6 training samples",
                Assert.Throws<CoinException>(() => many.Samples(TinyStage.Samples)).Message,
                StringComparison.Ordinal
            );
        }
    }

    private static TrainingMethod Of(string key) =>
        key switch
        {
            "ewc" => new Ewc(new EwcOptions { Lambda = 100, Samples = 3 }),
            "ewc-online-host" => new Ewc(
                new EwcOptions
                {
                    Lambda = 100,
                    Samples = 3,
                    Mode = EwcMode.Online,
                    StateDtype = "bfloat16",
                    StateOn = "host",
                }
            ),
            "lwf" => new Lwf(
                new LwfOptions
                {
                    Lambda = 1,
                    Samples = 3,
                    PerStep = 2,
                }
            ),
            "lwf-new-task" => new Lwf(new LwfOptions { Lambda = 1, Teacher = LwfTeacher.NewTask }),
            "o-lora" => new OLora(new OLoraOptions { Lambda1 = 0.1, Lambda2 = 0.1 }),
            "reg-lora" => new RegLora(new RegLoraOptions()),
            "replay" => new Replay(new ReplayOptions { Samples = 2 }),
            _ => new Ema(new EmaOptions { Decay = 0.5 }),
        };
}
