using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Families;
using CoIN.Models.Families.Llava;
using CoIN.Models.Modules;
using CoIN.Models.Planning;

namespace CoIN.Models.Tests.Planning;

public sealed class MemoryModelTests
{
    private static readonly LlavaConfig Llava7B = new(
        new VisionConfig(1024, 4096, 24, 16, 336, 14, "quick_gelu", 1e-5),
        new DecoderConfig(4096, 11008, 32, 32, 32, 32000, 1e-5, 10000, 4096, false),
        -2,
        false
    );

    private static readonly MemorySettings Paper = new(
        Llava7B.Shape,
        Bytes: 2,
        Rank: 128,
        TrainProjector: true,
        Dropout: true,
        Checkpointing: true
    );

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

    /// <summary>Qwen-VL's 1,024 patches of 1,664, of which the resampler makes 256 places of 4,096.</summary>
    [Fact]
    public void What_a_resampler_has_at_once_counts_where_it_is_more_than_the_tower_s()
    {
        var vision = new VisionConfig(1664, 8192, 48, 16, 448, 14, "gelu", 1e-6) { ClassToken = false };
        var text = new DecoderConfig(4096, 11008, 32, 32, 32, 151936, 1e-6, 10000, 8192, false, AttentionBias: true);
        var plain = Paper with { Shape = new ModelShape(text, vision, 256, 0, 0) };
        var resampled = plain with { Shape = plain.Shape with { Resampler = new ResamplerConfig(1664, 4096, 256, 32, 32, 1e-6) } };
        const long Pixels = 3 * 448 * 448 * 4,
            Patches = 1024;
        Assert.Equal(Pixels + (2 * Patches * ((9 * 1664) + (4 * 8192))), MemoryModel.Vision(plain, 1));
        Assert.Equal(MemoryModel.Vision(plain, 1), MemoryModel.Vision(resampled, 1));

        // The kernels have queries, keys and values side by side, and keys and values once more.
        var behind = (Patches * 1664) + (5 * Patches * 4096) + (3 * 256 * 4096) + (3 * Patches * 4096) + (2 * Patches * 4096);
        Assert.Equal(
            Pixels + Math.Max(4 * behind, 4 * Patches * ((9 * 1664) + (2 * 8192))),
            MemoryModel.Vision(resampled with { Bytes = 4, Kernels = true }, 1)
        );
        var small = resampled with { Shape = resampled.Shape with { Vision = vision with { HiddenSize = 416, IntermediateSize = 2048 } } };
        Assert.Equal(Pixels + (2 * ((Patches * 416) + (5 * Patches * 4096) + (3 * 256 * 4096))), MemoryModel.Vision(small, 1));
    }

    [Fact]
    public void Of_pictures_that_are_looked_at_one_after_another_only_pixels_and_features_add_up()
    {
        var one = MemoryModel.Vision(Paper, 1);
        const long Pixels = 3 * 336 * 336 * 4;
        Assert.Equal(4 * one, MemoryModel.Vision(Paper, 4));

        // A picture's features wait with the pixels of the others.
        const long Features = 576 * 1024 * 2;
        Assert.Equal(one + (3 * (Pixels + Features)), MemoryModel.Vision(Paper with { Shape = Paper.Shape with { OneByOne = true } }, 4));
        Assert.Equal((2 * one) + (2 * (Pixels + Features)), MemoryModel.Vision(Paper with { PicturesTogether = 2 }, 4));
    }

    /// <summary>A checkpointed step of few positions takes less than the tower in front of it.</summary>
    [Fact]
    public void The_peak_is_the_tower_s_where_that_takes_more()
    {
        var narrow = Paper with { Shape = (Llava7B with { Text = Llava7B.Text with { HiddenSize = 64, IntermediateSize = 128 } }).Shape };
        var batch = new MicroBatchShape(4, 4 * 600, 600, 8, 4);
        var part = Assert.Single(MemoryModel.AtPeak(narrow, batch));
        Assert.Equal(MemoryModel.Vision(narrow, 4), part.Bytes);
        Assert.Equal(part.Bytes, MemoryModel.Peak(narrow, batch));
        Assert.Equal(MemoryModel.Step(Paper, batch), MemoryModel.AtPeak(Paper, batch));
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
