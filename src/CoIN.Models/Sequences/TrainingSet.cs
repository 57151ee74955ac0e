using System.Runtime.ExceptionServices;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Modules;

namespace CoIN.Models.Sequences;

/// <summary>
/// A task's training samples with their sizes. Their tokens are not kept: they are made again for each micro-batch, which costs less than
/// the memory of a hundred thousand tokenized samples.
/// </summary>
internal sealed class TrainingSet
{
    private readonly IPrompts prompts;

    private TrainingSet(
        IPrompts prompts,
        IReadOnlyList<TrainingSample> samples,
        IReadOnlyList<SequenceSize> sizes,
        IReadOnlyList<string> masked
    )
    {
        this.prompts = prompts;
        Samples = samples;
        Sizes = sizes;
        Masked = masked;
    }

    /// <summary>Samples that have something to learn, in file order.</summary>
    public IReadOnlyList<TrainingSample> Samples { get; }

    /// <summary>Their sizes.</summary>
    public IReadOnlyList<SequenceSize> Sizes { get; }

    /// <summary>
    /// Ids of the samples without a single labelled token, which are left out: they teach nothing, and a batch of them would make the loss
    /// NaN.
    /// </summary>
    public IReadOnlyList<string> Masked { get; }

    /// <summary>A model that computes otherwise beyond its trained positions cannot learn there.</summary>
    /// <param name="maxLength">Longest sequence of a training.</param>
    /// <exception cref="CoinException">It is longer.</exception>
    public static void CheckLength(DecoderConfig config, int maxLength)
    {
        if (config.LongContext is { } longer && maxLength > longer.Trained)
        {
            throw new CoinException(
                $"model.max-length is {maxLength}, but the model is trained with at most {longer.Trained} positions (seq_length in config.json): beyond them it "
                    + $"computes otherwise in evaluation than in training. Set model.max-length to {longer.Trained} or less, or test with method=zero-shot."
            );
        }
    }

    /// <summary>Tokenizes every sample once, on all cores, to know its size.</summary>
    /// <exception cref="CoinException">A sample's turns do not alternate.</exception>
    public static TrainingSet Measure(IReadOnlyList<TrainingSample> samples, IPrompts prompts, int imageTokens, int maxLength)
    {
        var sizes = new SequenceSize[samples.Count];
        try
        {
            Parallel.For(0, samples.Count, i => sizes[i] = Tokenize(prompts, samples[i]).Measure(imageTokens, maxLength));
        }
        catch (AggregateException e)
        {
            // Samples are read one by one as far as people are concerned.
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }

        var usable = Enumerable.Range(0, samples.Count).Where(i => sizes[i].Labelled > 0).ToList();
        return new TrainingSet(
            prompts,
            [.. usable.Select(i => samples[i])],
            [.. usable.Select(i => sizes[i])],
            [.. Enumerable.Range(0, samples.Count).Where(i => sizes[i].Labelled == 0).Select(i => samples[i].Id)]
        );
    }

    /// <summary>Ids of the samples with a picture that has no place in their sequence: no tag of their text asks for it.</summary>
    public IReadOnlyList<string> Unshown =>
        [.. Samples.Zip(Sizes).Where(pair => pair.First.Image is not null && pair.Second.Pictures == 0).Select(pair => pair.First.Id)];

    /// <summary>Makes sure that there is something to learn.</summary>
    /// <exception cref="CoinException">No sample has an answer that can be learned.</exception>
    public TrainingSet NotEmpty(string task) =>
        Samples.Count > 0
            ? this
            : throw new CoinException(
                $"Task {task} has no training sample with an answer to learn. Check its training file and model.max-length."
            );

    /// <summary>A sample's tokens.</summary>
    public TokenSequence Sequence(int sample) => Tokenize(prompts, Samples[sample]);

    /// <summary>The tokens of any sample.</summary>
    public static TokenSequence Tokenize(IPrompts prompts, TrainingSample sample)
    {
        var tokens = prompts.Training(sample);
        return new TokenSequence(prompts.Placed(sample.Id, tokens.Ids, sample.Images), tokens.Labels);
    }
}
