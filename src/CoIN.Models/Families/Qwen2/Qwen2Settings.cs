using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Settings;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Families.Qwen2;

/// <summary>Everything of a Qwen2 chat model's folder but the weights.</summary>
/// <param name="Ends">The ids that end a reply.</param>
internal sealed record Qwen2Settings(DecoderConfig Config, Qwen2Tokenizer Tokenizer, ChatTemplate Template, IReadOnlyList<int> Ends)
{
    /// <summary>Reads the files and checks that they fit together.</summary>
    /// <exception cref="CoinException">A file is missing or damaged, or describes what is not supported.</exception>
    public static Qwen2Settings Read(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new CoinException(
                $"There is no model folder {folder}. Check judge.path: it must be the Hugging Face folder of a Qwen1.5 or Qwen2 chat model."
            );
        }

        var config = Qwen2Config.Read(folder);
        var vocabulary = Qwen2Vocabulary.Read(folder);
        var tokenizer = Qwen2Tokenizer.Of(vocabulary);
        if (tokenizer.Size > config.VocabularySize)
        {
            throw new CoinException(
                $"{vocabulary.Source} has ids up to {tokenizer.Size - 1} but the model's vocabulary has {config.VocabularySize} (config.json). Use the tokenizer that belongs to these weights."
            );
        }

        var template = ChatTemplate.Of(vocabulary);
        return new Qwen2Settings(
            config,
            tokenizer,
            template,
            GenerationEnds.Read(folder) is { Count: > 0 } ends ? ends : [tokenizer.AddedId(ChatTemplate.End)!.Value]
        );
    }

    /// <summary>The SHA-256 over those of all files that replies depend on: weights, configuration, tokenizer.</summary>
    public static string Hash(string folder, CancellationToken stop)
    {
        var files = WeightFiles
            .Locate(folder)
            .All.Concat(
                Qwen2Vocabulary
                    .Files.Append("config.json")
                    .Append(GenerationEnds.FileName)
                    .Select(name => Path.Combine(folder, name))
                    .Where(File.Exists)
            );
        var lines = files
            .OrderBy(Path.GetFileName, StringComparer.Ordinal)
            .Select(file => $"{Durable.Sha256(file, stop)}  {Path.GetFileName(file)}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }
}
