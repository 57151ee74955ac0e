using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Mini.Pretraining;

namespace CoIN.Mini;

/// <summary>The miniature models, a LLaVA above all: their shapes, their untrained folders, their pre-training.</summary>
public static class MiniModel
{
    /// <summary>The conversation template that it is pre-trained with.</summary>
    public const string Conversation = "vicuna_v1_no_system";

    /// <summary>The families of which there are miniatures, the usual one first.</summary>
    public static IReadOnlyList<string> Families => [.. MiniFamilies.All.Select(family => family.Key)];

    /// <summary>Whether a file of this name is one of its folder's, its weights in one file or in several.</summary>
    public static bool IsFile(string name) =>
        name
            is "config.json"
                or "preprocessor_config.json"
                or "generation_config.json"
                or "tokenizer.model"
                or "qwen.tiktoken"
                or "vocab.json"
                or "merges.txt"
                or "tokenizer_config.json"
        || (
            name.StartsWith("model", StringComparison.Ordinal)
            && (name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".index.json", StringComparison.Ordinal))
        );

    /// <summary>Longest sequence, image tokens included.</summary>
    internal const int MaxLength = 256;

    /// <summary>Writes an untrained model and pre-trains it.</summary>
    /// <param name="folder">The model folder; what stands there is replaced.</param>
    /// <param name="say">Receives progress, a line at a time.</param>
    /// <exception cref="CoinException">The folder cannot be written.</exception>
    public static void Pretrain(string folder, PretrainingOptions options, Action<string> say, CancellationToken stop)
    {
        var family = MiniFamilies.Of(options.Family);
        if (options.From is null)
        {
            Durable.WriteFolder(folder, temporary => family.Initialize(temporary, options.Seed));
        }
        else
        {
            Copy(options.From, folder, family);
        }

        using var pretrainer = new Pretrainer(options, family, folder, say);
        pretrainer.Run(stop);
    }

    /// <summary>Takes over a model of the same vocabulary.</summary>
    private static void Copy(string from, string folder, IMiniFamily family)
    {
        var (name, content) = family.Vocabulary;
        var tokenizer = Path.Combine(from, name);
        if (!File.Exists(tokenizer) || !File.ReadAllBytes(tokenizer).AsSpan().SequenceEqual(content))
        {
            throw new CoinException(
                $"{from} is no miniature {family.Key} of this version: its {name} is missing or another. Pre-train from random weights instead."
            );
        }

        if (!family.Recognizes(from))
        {
            throw new CoinException($"{from} is no miniature {family.Key}. Name its family with --family.");
        }

        Durable.WriteFolder(folder, temporary =>
        {
            foreach (var file in Directory.EnumerateFiles(from))
            {
                File.Copy(file, Path.Combine(temporary, Path.GetFileName(file)));
            }
        });
    }
}
