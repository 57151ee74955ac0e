using CoIN.Models.Checkpoints;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Golden;

/// <summary>Outputs of reference implementations that parity is measured against.</summary>
internal static class GoldenFolder
{
    /// <summary>The folder named by COIN_GOLDEN_DIR, or the repository's own.</summary>
    public static string Root =>
        Environment.GetEnvironmentVariable("COIN_GOLDEN_DIR") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Repository(), "tests", "golden");

    public static string Of(params string[] parts) => Path.Combine([Root, .. parts]);

    public static JObject Json(params string[] parts) => JObject.Parse(File.ReadAllText(Of(parts)));

    /// <summary>All tensors of a safetensors file.</summary>
    public static IReadOnlyDictionary<string, Tensor> Tensors(params string[] parts)
    {
        using var file = new SafetensorsFile(Of(parts));
        return file.Entries.Keys.ToDictionary(name => name, file.Read);
    }

    /// <summary>Largest absolute difference, wherever the two are.</summary>
    public static double Difference(Tensor left, Tensor right)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(left.shape, right.shape);
        return (left.cpu().to(ScalarType.Float64) - right.cpu().to(ScalarType.Float64)).abs().max().item<double>();
    }

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "CoIN.Actors.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new DirectoryNotFoundException("CoIN.Actors.sln is in no folder above the tests");
        }

        return folder;
    }
}
