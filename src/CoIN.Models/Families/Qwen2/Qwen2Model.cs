using CoIN.Benchmark;
using CoIN.Models.Backends;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Generation;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Qwen2;

/// <summary>A Qwen1.5 or Qwen2 chat model (Bai et al. 2023; Yang et al. 2024) on a device.</summary>
internal sealed class Qwen2Model(Qwen2Settings settings, DecoderModel language, string sha256) : IDisposable
{
    private readonly TextModel model = new(language, Backend.For(language.Dtype, language.Device));

    public Qwen2Settings Settings { get; } = settings;

    public DecoderModel Language { get; } = language;

    /// <summary>See <see cref="Qwen2Settings.Hash"/>.</summary>
    public string Sha256 { get; } = sha256;

    /// <summary>Loads a Hugging Face folder.</summary>
    /// <param name="warn">Receives a sentence about tensors that an index names in vain.</param>
    /// <exception cref="CoinException">A file is missing or damaged, or the files do not fit together.</exception>
    public static Qwen2Model Load(string folder, ScalarType dtype, Device device, Action<string> warn)
    {
        var settings = Qwen2Settings.Read(folder);
        var (language, sha256) = HashedLoad.Run(
            stop => Qwen2Settings.Hash(folder, stop),
            () => LoadLanguage(folder, settings.Config, dtype, device, warn)
        );
        return new Qwen2Model(settings, language, sha256);
    }

    /// <summary>Loads the weights alone.</summary>
    /// <param name="warn">As for <see cref="Load"/>.</param>
    public static DecoderModel LoadLanguage(string folder, DecoderConfig config, ScalarType dtype, Device device, Action<string> warn)
    {
        using var noGrad = no_grad();
        using var checkpoint = CheckpointFolder.Open(folder);
        var model = new DecoderModel(checkpoint, "model.", "lm_head.weight", config, dtype, device);
        try
        {
            checkpoint.FinishUsed();
            if (checkpoint.PromisedInVain() is { } sentence)
            {
                warn(sentence);
            }

            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Replies to conversations, all in one batch.</summary>
    /// <param name="longest">Most tokens of a reply.</param>
    /// <exception cref="CoinException">A conversation is longer than the model's positions.</exception>
    public IReadOnlyList<string> Reply(IReadOnlyList<IReadOnlyList<ChatMessage>> conversations, int longest, SamplingOptions sampling)
    {
        var prompts = conversations.Select(messages => Settings.Tokenizer.Encode(Settings.Template.Write(messages, reply: true))).ToList();
        var positions = Settings.Config.MaxPositions;
        if (prompts.Find(prompt => prompt.Count >= positions) is { } tooLong)
        {
            throw new CoinException(
                $"A request of {tooLong.Count} tokens does not fit into the judge's {positions} positions (max_position_embeddings). Use a judge with a longer context."
            );
        }

        var sampler = new TokenSampler(sampling, prompts);
        var request = new GenerationRequest([.. prompts.Select(prompt => new TokenSequence(prompt, null))], null, longest)
        {
            FurtherEnds = Settings.Ends,
            Choose = sampler.Choose,
        };
        return [.. GreedyGenerator.Generate(model, request, adapter: null).Select(ids => Settings.Tokenizer.Decode(ids))];
    }

    public void Dispose() => Language.Dispose();
}
