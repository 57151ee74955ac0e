using CoIN.Benchmark;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Llava;

/// <summary>Pictures of samples as the vision tower wants them.</summary>
/// <param name="load">Path to normalized pixels (channels, rows, columns).</param>
internal sealed class ImageLoader(string root, int size, Func<string, float[]> load)
{
    /// <summary>Loads pictures.</summary>
    /// <param name="images">Paths below the image root, with the ids of their samples.</param>
    /// <returns>float32 [pictures, 3, size, size] on <paramref name="device"/>.</returns>
    /// <exception cref="CoinException">A picture is missing or cannot be read; the message names sample and file.</exception>
    public Tensor Load(IReadOnlyList<(string SampleId, string Image)> images, Device device)
    {
        using var scope = NewDisposeScope();
        var pixels = new float[images.Count * 3 * size * size];
        for (var i = 0; i < images.Count; i++)
        {
            Pixels(images[i].SampleId, images[i].Image).CopyTo(pixels, i * 3 * size * size);
        }

        return tensor(pixels, [images.Count, 3, size, size]).to(device).MoveToOuterDisposeScope();
    }

    private float[] Pixels(string sample, string image)
    {
        try
        {
            return load(Path.Combine(root, image));
        }
        catch (CoinException e)
        {
            throw new CoinException($"Sample {sample}: {e.Message}", e);
        }
    }
}
