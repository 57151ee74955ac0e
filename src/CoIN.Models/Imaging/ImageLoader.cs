using CoIN.Benchmark;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Imaging;

/// <summary>Pictures of samples as the vision tower wants them.</summary>
/// <param name="load">Path to normalized pixels (channels, rows, columns).</param>
internal sealed class ImageLoader(string root, int size, Func<string, float[]> load)
{
    /// <summary>Loads pictures.</summary>
    /// <param name="images">
    /// Paths below the image root, with the ids of their samples; null for a sample without a picture that is shown an empty one: zeros.
    /// </param>
    /// <returns>float32 [pictures, 3, size, size] on <paramref name="device"/>.</returns>
    /// <exception cref="CoinException">A picture is missing or cannot be read; the message names sample and file.</exception>
    public Tensor Load(IReadOnlyList<(string SampleId, string? Image)> images, Device device) => ToTensor(Read(images), device);

    /// <summary>Reads pictures without touching a device.</summary>
    /// <returns>Normalized pixels, picture after picture.</returns>
    /// <exception cref="CoinException">As for <see cref="Load"/>.</exception>
    public float[] Read(IReadOnlyList<(string SampleId, string? Image)> images)
    {
        if (images.Count == 1)
        {
            return Pixels(images[0].SampleId, images[0].Image);
        }

        var pixels = new float[images.Count * 3 * size * size];
        for (var i = 0; i < images.Count; i++)
        {
            Pixels(images[i].SampleId, images[i].Image).CopyTo(pixels, i * 3 * size * size);
        }

        return pixels;
    }

    /// <summary>Puts what <see cref="Read"/> gave on a device.</summary>
    public Tensor ToTensor(float[] pixels, Device device)
    {
        using var scope = NewDisposeScope();
        return tensor(pixels, [pixels.Length / (3 * size * size), 3, size, size]).to(device).MoveToOuterDisposeScope();
    }

    private float[] Pixels(string sample, string? image)
    {
        if (image is null)
        {
            return new float[3 * size * size];
        }

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
