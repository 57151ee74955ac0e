using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Methods;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Torch;
using Newtonsoft.Json.Linq;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>
/// RegLoRA, the regularization of SEFE (Chen et al. 2025, by its official code): every task has LoRA of its own beside that of all earlier
/// ones, which stays as it is (see <see cref="Adapters.OLora.OLoraAdapter"/>). A finished task's key elements are those of a map's
/// [outputs, inputs] where its |B A| is largest. The loss gains λ times the mean over maps of the mean of the new |B A| over the key
/// elements of all finished tasks; an element that is key to several counts as often.
/// <para>Key elements follow from the earlier tasks' matrices, so that they are found anew at a resume, and only the tasks' ranks are
/// kept.</para>
/// </summary>
internal sealed class RegLora(RegLoraOptions options) : TrainingMethod
{
    private const string Ranks = "Ranks";

    private List<Map>? maps;

    /// <inheritdoc/>
    public override void AddGradients()
    {
        if (options.Lambda == 0 || Frozen.Count == 0)
        {
            return;
        }

        maps ??= [.. Maps()];
        foreach (var map in maps)
        {
            using var scope = NewDisposeScope();
            var update = map.B.Value.matmul(map.A.Value);
            var places = map.KeyElements.to(ScalarType.Int64);

            // d/d(BA) of the mean of |BA| over the places. Terms of one place are equal: their order does not matter.
            var signs = update.flatten().index_select(0, places).sign_().mul_(Scalars.Of(options.Lambda / maps.Count / places.shape[0]));
            var gradient = zeros_like(update).flatten().index_add_(0, places, signs, Scalars.One).reshape(update.shape);
            map.B.Gradient.add_(gradient.matmul(map.A.Value.t()), Scalars.One);
            map.A.Gradient.add_(map.B.Value.t().matmul(gradient), Scalars.One);
        }
    }

    /// <inheritdoc/>
    public override IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples)
    {
        State.Values[Ranks] = new JArray(RanksSoFar().Append(Parameters.First(one => PeftFolder.IsA(one.Name)).Value.shape[0]));
        return [];
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var map in maps ?? [])
        {
            map.KeyElements.Dispose();
        }

        base.Dispose();
    }

    /// <summary>The number of key elements of a map of so many elements.</summary>
    public static long KeyElements(RegLoraOptions options, long elements) => Math.Max((long)(options.KeyElements * elements), 1);

    private IEnumerable<long> RanksSoFar() => State.Values[Ranks]?.Values<long>() ?? [];

    private IEnumerable<Map> Maps()
    {
        var all = Parameters.ToDictionary(one => one.Name, StringComparer.Ordinal);
        foreach (var a in Parameters.Where(one => PeftFolder.IsA(one.Name)))
        {
            var ofB = PeftFolder.BOf(a.Name);
            var (earlierA, earlierB) = (Frozen[a.Name], Frozen[ofB]);
            using var scope = NewDisposeScope();
            var keys = new List<Tensor>();
            long from = 0;
            foreach (var rank in Blocks(earlierA.shape[0]))
            {
                var size = earlierB.narrow(1, from, rank).matmul(earlierA.narrow(0, from, rank)).abs_().flatten();
                keys.Add(size.topk((int)KeyElements(options, size.shape[0]), sorted: false).indexes.to(ScalarType.Int32));
                from += rank;
            }

            yield return new Map(a, all[ofB], cat([.. keys]).DetachFromDisposeScope());
        }
    }

    /// <summary>The ranks of earlier tasks; what an adapter that was given had before is one more of them.</summary>
    private IEnumerable<long> Blocks(long rank)
    {
        var own = RanksSoFar().ToList();
        var given = rank - own.Sum();
        return given switch
        {
            0 => own,
            > 0 => own.Prepend(given),
            _ => throw new CoinException(
                $"The method's state says that tasks of the ranks {string.Join(", ", own)} are finished, but the adapter has a rank of {rank} "
                    + "in all. Restore the adapter's folder from a copy."
            ),
        };
    }

    /// <param name="KeyElements">Places in the flattened [outputs, inputs], int32.</param>
    private sealed record Map(TrainedParameter A, TrainedParameter B, Tensor KeyElements);
}
