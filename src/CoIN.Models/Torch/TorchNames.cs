using System.Globalization;
using CoIN.Benchmark;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Torch;

/// <summary>Types and devices by the names that configurations give them.</summary>
internal static class TorchNames
{
    /// <param name="key">The configuration's name for it.</param>
    /// <exception cref="CoinException">There is no such type.</exception>
    public static ScalarType Dtype(string dtype, string key = "model.dtype") =>
        dtype switch
        {
            "float32" => ScalarType.Float32,
            "bfloat16" => ScalarType.BFloat16,
            "float16" => ScalarType.Float16,
            _ => throw new CoinException($"{key} is {dtype}; possible are float32, bfloat16 and float16."),
        };

    /// <summary>What PyTorch calls a type of weights.</summary>
    public static string Of(ScalarType dtype) =>
        dtype switch
        {
            ScalarType.BFloat16 => "bfloat16",
            ScalarType.Float16 => "float16",
            ScalarType.Float64 => "float64",
            _ => "float32",
        };

    /// <exception cref="CoinException">It is no device, or one that this libtorch cannot use.</exception>
    public static Device Device(string device)
    {
        if (device.StartsWith("cuda", StringComparison.Ordinal) && !cuda.is_available())
        {
            throw new CoinException(
                $"Device {device} is configured but this libtorch sees no CUDA device. Use device cpu, or a libtorch with CUDA on a GPU host."
            );
        }

        var count = device.StartsWith("cuda:", StringComparison.Ordinal) ? cuda.device_count() : 0;
        if (
            int.TryParse(
                device.AsSpan(device.IndexOf(':', StringComparison.Ordinal) + 1),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var number
            )
            && count > 0
            && number >= count
        )
        {
            throw new CoinException(
                $"Device {device} is configured but there are {count} CUDA devices, cuda:0 to cuda:{count - 1}. Use one of these."
            );
        }

        if (count > 0 || device == "cuda")
        {
            // float32 is float32: products have no TF32 unless one asks for it, but the convolutions of cuDNN do.
            backends.cudnn.allow_tf32 = false;
        }

        try
        {
            return torch.device(device);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw new CoinException($"'{device}' is not a device. Devices are cpu, cuda:0, cuda:1, …", e);
        }
    }
}
