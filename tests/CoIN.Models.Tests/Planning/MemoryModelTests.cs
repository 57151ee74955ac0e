using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Planning;

namespace CoIN.Models.Tests.Planning;

public sealed class MemoryModelTests
{
    private static readonly LlavaConfig Llava7B = new(
        new VisionConfig(1024, 4096, 24, 16, 336, 14, "quick_gelu", 1e-5), new DecoderConfig(4096, 11008, 32, 32, 32, 32000, 1e-5, 10000, 4096, false), -2, false);

    private static readonly MemorySettings Paper = new(Llava7B.Shape, Bytes: 2, Rank: 128, TrainProjector: true, Dropout: true, Checkpointing: true);

    [Fact]
    public void Parameters_are_counted_as_the_published_checkpoints_have_them()
    {
        var counts = ParameterCounts.Of(Llava7B.Shape, 128);
        Assert.Equal(6_738_415_616, counts.Language);
        Assert.Equal(319_815_680, counts.Lora);
        Assert.Equal(20_979_712, counts.Projector);
    }

    [Fact]
    public void LLaVA_7B_with_rank_128_trains_a_full_length_sample_in_24_GB()
    {
        var batch = new MicroBatchShape(1, 2048, 2048, 512, 1);
        var bytes = MemoryModel.Resident(Paper).Sum(part => part.Bytes) + MemoryModel.Peak(Paper, batch) + 1_000_000_000;
        Assert.InRange(bytes, 19_000_000_000, 24_000_000_000);
        Assert.True(MemoryModel.Peak(Paper with { Checkpointing = false }, batch) > 5 * MemoryModel.Peak(Paper, batch));
    }

    /// <remarks>Samples of 700 positions, of which 576 are the picture; a gigabyte for the context, as plan assumes.</remarks>
    [Theory]
    [InlineData(4096, 11008, 32, 64, 12.0)]
    [InlineData(4096, 11008, 32, 128, 12.88)]
    [InlineData(5120, 13824, 40, 128, 24.0)]
    public void In_four_bits_7B_trains_within_12_GB_and_13B_within_24(int hidden, int inner, int layers, int rank, double limit)
    {
        var shape = (Llava7B with { Text = Llava7B.Text with { HiddenSize = hidden, IntermediateSize = inner, Layers = layers } }).Shape;
        var settings = Paper with { Shape = shape, Rank = rank, Nf4 = new Nf4Settings() };
        var batch = new MicroBatchShape(1, 700, 700, 60, 1);
        var bytes = MemoryModel.Resident(settings).Sum(part => part.Bytes) + MemoryModel.Peak(settings, batch) + 1_000_000_000;
        Assert.InRange(bytes / 1e9, 0.5 * limit, limit);
        Assert.InRange(MemoryModel.Resident(settings)[1].Bytes * 8.0 / settings.Counts.Maps, 4.12, 4.13);
    }

    [Fact]
    public void More_of_anything_takes_more()
    {
        var batch = new MicroBatchShape(4, 4 * 700, 700, 100, 4);
        var peak = MemoryModel.Peak(Paper, batch);
        Assert.True(MemoryModel.Peak(Paper, batch with { Positions = 2700 }) < peak);
        Assert.True(MemoryModel.Peak(Paper with { Bytes = 4 }, batch) > peak);
        Assert.True(MemoryModel.Peak(Paper with { Dropout = false }, batch) < peak);
        Assert.True(MemoryModel.KeyValueCache(Paper, 2, 800) == 2 * MemoryModel.KeyValueCache(Paper, 1, 800));
    }
}
