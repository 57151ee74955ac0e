using CoIN.Benchmark;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Qwen2;

/// <summary>How tokens are chosen.</summary>
/// <param name="Temperature">0 for the most probable one.</param>
/// <param name="TopP">Only the most probable tokens that together have this probability.</param>
/// <param name="RepetitionPenalty">
/// Divides positive scores, and multiplies negative ones, of tokens that were there already; 1 for none.
/// </param>
internal sealed record SamplingOptions(double Temperature, double TopP, double RepetitionPenalty, int Seed);

/// <summary>
/// Chooses the tokens of a batch of replies, in the order of transformers: repetition penalty (Keskar et al. 2019), temperature, top-p
/// (Holtzman et al. 2020). Every reply has random numbers of its own, which depend on the seed and its prompt alone, so that it is the same
/// in whatever batch it is made.
/// </summary>
internal sealed class TokenSampler
{
    private readonly SamplingOptions options;
    private readonly IReadOnlyList<HashSet<int>> seen;
    private readonly IReadOnlyList<SeededRandom> random;

    /// <param name="prompts">The ids of each prompt.</param>
    public TokenSampler(SamplingOptions options, IReadOnlyList<IReadOnlyList<int>> prompts)
    {
        this.options = options;
        seen = [.. prompts.Select(prompt => prompt.ToHashSet())];
        random = [.. prompts.Select(prompt => RandomOf(options.Seed, prompt))];
    }

    /// <summary>Chooses the next token of each row.</summary>
    /// <param name="scores">float32 [rows, vocabulary]; is changed.</param>
    /// <param name="prompts">The prompt of each row.</param>
    public long[] Choose(Tensor scores, IReadOnlyList<int> prompts)
    {
        using var scope = NewDisposeScope();
        Penalize(scores, prompts);
        var chosen = options.Temperature == 0 ? scores.argmax(-1).cpu().data<long>().ToArray() : Draw(Probabilities(scores), prompts);
        for (var row = 0; row < chosen.Length; row++)
        {
            seen[prompts[row]].Add((int)chosen[row]);
        }

        return chosen;
    }

    /// <summary>Applies the repetition penalty in place.</summary>
    internal void Penalize(Tensor scores, IReadOnlyList<int> prompts)
    {
        if (options.RepetitionPenalty == 1)
        {
            return;
        }

        var penalty = Scalars.Of(options.RepetitionPenalty);
        for (var row = 0; row < prompts.Count; row++)
        {
            using var scope = NewDisposeScope();
            var ids = tensor(seen[prompts[row]].Select(id => (long)id).ToArray(), device: scores.device);
            var own = scores.select(0, row);
            var found = own.index_select(0, ids);
            own.index_copy_(0, ids, where(found.lt(Scalars.Of(0L)), found.mul(penalty), found.div(penalty)));
        }
    }

    /// <summary>The distribution that tokens are drawn from.</summary>
    /// <returns>[rows, vocabulary], in the order of the vocabulary.</returns>
    internal Tensor Probabilities(Tensor scores)
    {
        using var scope = NewDisposeScope();
        var all = scores.div(Scalars.Of(options.Temperature)).softmax(-1);
        if (options.TopP >= 1)
        {
            return all.MoveToOuterDisposeScope();
        }

        // A token stays if those before it do not reach the sum yet: the most probable one always does.
        var (sorted, order) = all.sort(-1, descending: true);
        var before = sorted.cumsum(-1).add(sorted, Scalars.Of(-1L));
        var kept = zeros_like(all).scatter_(-1, order, sorted.masked_fill(before.ge(Scalars.Of(options.TopP)), Scalars.Of(0.0)));
        return kept.div_(kept.sum(-1, keepdim: true)).MoveToOuterDisposeScope();
    }

    /// <summary>Numbers that depend on a seed and a text's ids.</summary>
    private static SeededRandom RandomOf(int seed, IEnumerable<int> ids) =>
        new(
            unchecked(
                (long)
                    ids.Aggregate(new SeededRandom(seed).NextBits(), (hash, id) =>
                        new SeededRandom(unchecked((long)(hash ^ (uint)id))).NextBits()
                    )
            )
        );

    /// <summary>At least 0 and less than 1, in steps of 2^-32.</summary>
    private static double Uniform(SeededRandom random) => (random.NextBits() >> 32) * (1.0 / (1L << 32));

    private long[] Draw(Tensor probabilities, IReadOnlyList<int> prompts)
    {
        var sums = probabilities.to(ScalarType.Float64).cumsum(-1);
        var at = tensor(prompts.Select(prompt => Uniform(random[prompt])).ToArray(), [prompts.Count, 1], device: sums.device);

        // The first token whose sum exceeds the number has a probability of its own.
        return searchsorted(sums, at * sums.narrow(-1, sums.size(-1) - 1, 1), right: true).flatten().cpu().data<long>().ToArray();
    }
}
