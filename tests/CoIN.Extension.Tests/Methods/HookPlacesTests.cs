using CoIN.Benchmark.Learning;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Computing;
using CoIN.Models.Methods;
using CoIN.Models.Tests.Golden;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Extension.Tests.Methods;

/// <summary>Where a stage calls its method, and what it lets the method see and change.</summary>
public sealed class HookPlacesTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly TinyStage tiny = new();

    public void Dispose()
    {
        tiny.Dispose();
        scope.Dispose();
    }

    [Fact]
    public void Each_hook_is_called_in_its_place_of_the_loop()
    {
        var calls = new List<string>();
        using (var session = tiny.Open(false, new Witness(calls) { Wanted = 4, AtEnd = 2 }))
        {
            Assert.Equal(["samples 6", "begin 1 True"], calls);
            session.NextStep();
            Assert.Equal(["logits", "logits", "gradients", "step"], calls[2..].Select(call => call.Split(' ')[0]));
            Assert.Equal(["s0", "s1", "s2", "s3"], calls[2..4].SelectMany(call => call.Split(' ')[1].Split('+')).Order());
            session.NextStep();
            session.SaveCheckpoint(Directory.CreateDirectory(tiny.Folder.Of("two")).FullName);
            session.NextStep();
            calls.Clear();
            while (session.Conclude() is not null)
            {
                calls.Add("-");
            }

            Assert.Equal(["end 4", "-", "gradient of s0", "-", "gradient of s1"], calls);
        }

        calls.Clear();
        using (var session = tiny.Open(false, new Witness(calls) { Wanted = 4 }, checkpoint: "two"))
        {
            Assert.Equal(["samples 6"], calls);
            Assert.Equal(3, session.NextStep().Step);
        }

        Assert.Equal("step 3", calls[^1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_method_that_changes_nothing_changes_no_bit(bool kernels)
    {
        tiny.Train("plain", 3, kernels, null);
        tiny.Train("watched", 3, kernels, new Witness([]) { AtEnd = 2 });
        Assert.Equal(tiny.Contents("plain"), Without(tiny.Contents("watched"), AdapterFiles.MethodValues));
        Assert.Equal(tiny.Contents("plain-checkpoint"), Without(tiny.Contents("watched-checkpoint"), AdapterFiles.MethodValues));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_added_to_the_logits_gradient_is_weighed_as_the_cross_entropy_is(bool kernels)
    {
        // The cross entropy once more: every gradient is twice as large.
        static Tensor Again(MethodBatch batch, LabelledLogits rows) =>
            (F.softmax(rows.Logits, 1) - F.one_hot(rows.Targets, rows.Logits.size(1))) / rows.Total;

        var (once, twice) = (new Witness([]), new Witness([]) { Further = Again });
        tiny.Train("once", 1, kernels, once);
        tiny.Train("twice", 1, kernels, twice);
        Assert.All(once.Steps[0], pair =>
            Assert.InRange(GoldenFolder.Difference(pair.Value.Gradient * 2, twice.Steps[0][pair.Key].Gradient), 0, 1e-6)
        );
        Assert.Contains(once.Steps[0].Values, one => one.Gradient.abs().max().item<float>() > 1e-3);
    }

    [Fact]
    public void The_loss_that_is_reported_is_the_cross_entropy_alone()
    {
        static Tensor Some(MethodBatch batch, LabelledLogits rows) => ones_like(rows.Logits);
        using var plain = tiny.Open(false, null);
        using var changed = tiny.Open(false, new Witness([]) { Further = Some });
        var (expected, found) = (plain.NextStep(), changed.NextStep());
        Assert.Equal(expected.Loss, found.Loss);
        Assert.NotEqual(expected.GradNorm, found.GradNorm);
    }

    private static SortedDictionary<string, string> Without(SortedDictionary<string, string> files, string name)
    {
        Assert.True(files.Remove(name));
        return files;
    }
}
