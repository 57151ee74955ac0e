using CoIN.Benchmark;
using CoIN.Models.Modules;

namespace CoIN.Models.Families;

/// <summary>Sequences beyond those that a language model was made for.</summary>
internal static class LongSequences
{
    /// <summary>The shape for sequences of some length: the rope goes on beyond what was trained, as in transformers.</summary>
    /// <param name="longest">Positions of the longest prompt; 0 for as many as the model was made for.</param>
    /// <param name="path">The configuration, for messages.</param>
    /// <exception cref="CoinException">The rope changes with every longer sequence.</exception>
    public static DecoderConfig Allow(DecoderConfig text, int longest, string path)
    {
        var trained = text.TrainedPositions;
        if (longest <= trained)
        {
            return text;
        }

        // An answer may go beyond the longest prompt.
        return text.RopeScaling is not DynamicScaling
            ? text with
            {
                MaxPositions = 2 * longest,
            }
            : throw new CoinException(
                $"{path}: rope_type is dynamic, which changes with every sequence longer than "
                    + $"max_position_embeddings, {trained}; supported is dynamic up to there. Set model.max-length to {trained} or less."
            );
    }

    /// <summary>Says that sequences are allowed that are longer than those that a model was made for.</summary>
    public static void Warn(DecoderConfig text, int longest, Action<string> warn)
    {
        if (text.TrainedPositions < longest)
        {
            warn(
                $"model.max-length is {longest}, but the language model was made for {text.TrainedPositions} positions "
                    + "(max_position_embeddings in config.json): longer sequences are computed as transformers does, beyond what it has learned. "
                    + $"model.max-length={text.TrainedPositions} cuts them."
            );
        }
    }
}
