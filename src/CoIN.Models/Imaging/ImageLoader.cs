using CoIN.Benchmark;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Imaging;

/// <summary>Pictures of samples as the vision tower wants them.</summary>
internal sealed class ImageLoader
{
    private readonly string root;
    private readonly int size;
    private readonly Func<string, PictureBlock> load;

    /// <param name="root">Folder to which the samples' image paths are relative.</param>
    /// <param name="warn">Receives sentences about pictures that are not whole.</param>
    public ImageLoader(string root, IPictureProcessor pictures, Action<string> warn)
        : this(root, pictures.Size, path => pictures.Block(path, warn)) { }

    /// <summary>Loads pictures of one size.</summary>
    /// <param name="load">Path to normalized pixels (channels, rows, columns).</param>
    public ImageLoader(string root, int size, Func<string, float[]> load)
        : this(root, size, path =>
        {
            var values = load(path);
            return new PictureBlock(size, size, memory => values.CopyTo(memory));
        }) { }

    private ImageLoader(string root, int size, Func<string, PictureBlock> load) => (this.root, this.size, this.load) = (root, size, load);

    /// <summary>Loads one picture.</summary>
    /// <param name="image">
    /// A path below the image root; null for a sample without a picture that is shown an empty one: zeros.
    /// </param>
    /// <returns>float32 [1, 3, height, width] on <paramref name="device"/>.</returns>
    /// <exception cref="CoinException">The picture is missing or cannot be read; the message names sample and file.</exception>
    public Tensor Load(string sample, string? image, Device device) => ToTensors(Read([(sample, image)]), device)[0];

    /// <summary>Reads pictures without touching a device.</summary>
    /// <exception cref="CoinException">As for <see cref="Load"/>.</exception>
    public IReadOnlyList<PictureBlock> Read(IReadOnlyList<(string SampleId, string? Image)> images) =>
        [.. images.Select(one => Pixels(one.SampleId, one.Image))];

    /// <summary>Puts what <see cref="Read"/> gave on a device, pictures of one size that follow one another together.</summary>
    /// <returns>float32 [pictures, 3, height, width] each; nothing without pictures.</returns>
    public IReadOnlyList<Tensor> ToTensors(IReadOnlyList<PictureBlock> pictures, Device device)
    {
        using var scope = NewDisposeScope();
        var tensors = new List<Tensor>();
        for (int first = 0, end; first < pictures.Count; first = end)
        {
            var (height, width, length) = (pictures[first].Height, pictures[first].Width, pictures[first].Length);
            for (end = first + 1; end < pictures.Count && pictures[end].Height == height && pictures[end].Width == width; end++) { }

            // Straight into the tensor's memory: arrays in between would be several times the pictures' memory until they are collected.
            var together = empty([end - first, 3, height, width], ScalarType.Float32);
            for (var i = first; i < end; i++)
            {
                pictures[i].Fill(TensorMemory.Floats(together).Slice((i - first) * length, length));
            }

            tensors.Add(Uploads.To(together, device).MoveToOuterDisposeScope());
        }

        return tensors;
    }

    private PictureBlock Pixels(string sample, string? image)
    {
        if (image is null)
        {
            return new PictureBlock(size, size, values => values.Clear());
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
