using CoIN.Benchmark;
using static TorchSharp.torch;

namespace CoIN.Models.Checkpoints;

/// <summary>What a file says of a tensor before it is read.</summary>
internal sealed record TensorDescription(ScalarType Dtype, IReadOnlyList<long> Shape)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>A file of named tensors, whose header was checked when it was opened. A tensor is read when it is asked for.</summary>
internal interface ITensorFile : IDisposable
{
    string Path { get; }

    IEnumerable<string> Names { get; }

    /// <summary>Dtype and shape of a tensor that is there.</summary>
    TensorDescription Describe(string name);

    /// <summary>Copies a tensor out of the file.</summary>
    /// <returns>A tensor of the file's dtype on the CPU, detached from dispose scopes.</returns>
    /// <exception cref="CoinException">The file has no tensor of that name, or its bytes cannot be read.</exception>
    Tensor Read(string name);

    /// <summary>Copies a tensor out of the file into another one of its shape, whose dtype and device may be others.</summary>
    /// <exception cref="CoinException">As <see cref="Read"/>.</exception>
    void ReadInto(string name, Tensor target)
    {
        using var read = Read(name);
        target.copy_(read);
    }
}

/// <summary>Opens files of tensors by what they are.</summary>
internal static class TensorFiles
{
    /// <summary>Opens a safetensors file or a PyTorch archive.</summary>
    /// <exception cref="CoinException">It is missing, truncated or damaged, or holds what is no tensor.</exception>
    public static ITensorFile Open(string path) => IsArchive(path) ? new TorchArchive(path) : new SafetensorsFile(path);

    /// <summary>By name, and where the name does not tell, by the first bytes.</summary>
    private static bool IsArchive(string path)
    {
        switch (Path.GetExtension(path))
        {
            case ".safetensors":
                return false;
            case ".bin" or ".pt" or ".pth":
                return true;
            default:
                return TorchArchive.IsOne(path);
        }
    }
}
