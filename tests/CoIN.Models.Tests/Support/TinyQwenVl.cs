using CoIN.Models.Families.QwenVl;
using CoIN.Models.Modules;

namespace CoIN.Models.Tests.Support;

/// <summary>A tiny untrained Qwen-VL with a vocabulary of bytes and a few words.</summary>
internal static class TinyQwenVl
{
    /// <summary>Positions that it counts as trained.</summary>
    public const int Trained = 768;

    private static readonly string[] Words = [" a", " b", "er", "or"];

    public static QwenVlConfig Config { get; } =
        new(
            new VisionConfig(32, 64, 2, 2, 28, 14, "gelu", 1e-6) { ClassToken = false },
            128,
            new DecoderConfig(128, 96, 2, 2, 2, 480, 1e-6, 10000, 2 * Trained, false, AttentionBias: true)
            {
                LongContext = new LongContext(Trained, true, true),
            },
            256 + Words.Length + 214
        );

    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        QwenVlInitializer.Write(folder, Config, 1);
        var tokens = Enumerable
            .Range(0, 256)
            .Select(value => new[] { (byte)value })
            .Concat(Words.Select(word => System.Text.Encoding.UTF8.GetBytes(word)));
        File.WriteAllLines(
            Path.Combine(folder, QwenVlTokenizer.FileName),
            tokens.Select((token, rank) => $"{Convert.ToBase64String(token)} {rank}")
        );
    }
}
