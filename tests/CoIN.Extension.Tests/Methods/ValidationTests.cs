using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Training;

namespace CoIN.Extension.Tests.Methods;

/// <summary>The loss of held-out samples between steps.</summary>
public sealed class ValidationTests : IDisposable
{
    private readonly TinyStage tiny = new();

    public void Dispose() => tiny.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_is_the_mean_over_all_labelled_tokens_whatever_the_batches_are(bool kernels)
    {
        // One step of all samples without dropout says the same.
        var options = tiny.Options with
        {
            Lora = tiny.Options.Lora with { Dropout = 0 },
            Training = tiny.Options.Training with { Loss = LossMean.TokenMean, GradientAccumulation = 3, BatchSize = 2 },
        };
        IReadOnlyList<TrainingSample> longer =
        [
            .. TinyStage.Samples,
            new("long", null, [new("human", "a b"), new("gpt", "c d e f g h a b c")]),
        ];
        using var session = tiny.Open(kernels, null, options, validation: TinyStage.Samples);
        Assert.Equal(6, session.ValidationSamples);
        Assert.Null(session.Validate().Loss);
        var amid = session.Validate();
        Assert.Equal((4, 6), (amid.Done, amid.Samples));
        var last = session.Validate();
        Assert.Equal((6, 6), (last.Done, last.Samples));
        Assert.True(last.Tokens > 6);
        Assert.Equal(session.NextStep().Loss, last.Loss!.Value, 5);

        // Another round, behind a step: less than before. Tokens weigh alike, samples do not.
        var (again, tokens) = Whole(session);
        Assert.Equal(last.Tokens, tokens);
        Assert.True(again < last.Loss);
        using var other = tiny.Open(kernels, null, options, validation: longer);
        using var alone = tiny.Open(kernels, null, options, validation: [longer[^1]]);
        var (all, ofAll) = Whole(other);
        var (one, ofOne) = Whole(alone);
        Assert.Equal(((last.Loss.Value * last.Tokens) + (one * ofOne)) / ofAll, all, 5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void It_changes_no_bit_of_the_training(bool kernels)
    {
        tiny.Train("plain", 3, kernels, null);
        using (var session = tiny.Open(kernels, null, validation: TinyStage.Samples))
        {
            while (session.Step < session.TotalSteps)
            {
                session.NextStep();
                Whole(session);
            }

            session.SaveCheckpoint(Directory.CreateDirectory(tiny.Folder.Of("validated-checkpoint")).FullName);
            session.SaveAdapter(Directory.CreateDirectory(tiny.Folder.Of("validated")).FullName);
        }

        Assert.Equal(tiny.Contents("plain"), tiny.Contents("validated"));
        Assert.Equal(tiny.Contents("plain-checkpoint"), tiny.Contents("validated-checkpoint"));
    }

    [Fact]
    public void Without_held_out_samples_there_is_none() => Assert.Equal(0, Opened());

    private static (double Loss, long Tokens) Whole(TrainingSession session)
    {
        ValidationReport report;
        do
        {
            report = session.Validate();
        } while (report.Loss is null);
        return (report.Loss.Value, report.Tokens);
    }

    private int Opened()
    {
        using var session = tiny.Open(false, null);
        return session.ValidationSamples;
    }
}
