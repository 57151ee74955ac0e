using CoIN.Models.Families.Llava;
using CoIN.Models.Generation;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Generation;

public sealed class FeatureCacheTests : IDisposable
{
    // Four image tokens of 16 float32 numbers.
    private const int PictureBytes = 4 * 16 * 4;

    private readonly TemporaryFolder folder = new();
    private readonly LlavaModel model;
    private readonly FeatureCache cache;
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor pixels;
    private readonly List<int> looked = [];

    public FeatureCacheTests()
    {
        LlavaInitializer.Write(
            folder.Path,
            new LlavaConfig(
                new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                new DecoderConfig(32, 48, 2, 4, 2, 280, 1e-5, 10000, 128, false),
                -2,
                false
            ),
            279,
            1
        );
        model = LlavaCheckpoint.Load(folder.Path, ScalarType.Float32, CPU, _ => { });
        cache = new FeatureCache(model);
        pixels = randn(3, 3, 16, 16);
    }

    public void Dispose()
    {
        cache.Dispose();
        scope.Dispose();
        model.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Features_are_the_same_bits_kept_or_not_and_in_any_company()
    {
        var alone = Of([1], 1000);
        var together = Of([0, 1, 2], 1000);
        Assert.Equal([1, 0, 2], looked);
        Assert.Equal(alone, together[1..2]);
        Assert.Equal(together, Of([0, 1, 2], 1000));
        Assert.Equal([1, 0, 2], looked);
    }

    [Fact]
    public void Pictures_beyond_the_limit_are_looked_at_each_time()
    {
        var first = Of([0, 1, 2], PictureBytes * 2);
        Assert.Equal(first, Of([0, 1, 2], PictureBytes * 2));
        Assert.Equal([0, 1, 2, 2], looked);
        Assert.True(cache.Has("1"));
        Assert.False(cache.Has("2"));
    }

    private List<float[]> Of(IReadOnlyList<int> pictures, long limit)
    {
        using var scope = NewDisposeScope();
        var all = cache.Of(
            [.. pictures.Select(picture => $"{picture}")],
            i =>
            {
                looked.Add(pictures[i]);
                return pixels.narrow(0, pictures[i], 1);
            },
            limit
        );
        var features = all.Select([.. Enumerable.Range(0, pictures.Count)]);
        Assert.Equal([pictures.Count, 4, 16], features.shape);
        return [.. Enumerable.Range(0, pictures.Count).Select(i => features[i].contiguous().data<float>().ToArray())];
    }
}
