using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters.OLora;

/// <summary>
/// LoRA of one task beside that of all earlier ones (O-LoRA, Wang et al. 2023): y += s [B₁ … Bₜ] [A₁; …; Aₜ] x, of which Aₜ and Bₜ are
/// trained and the others stay as they are. The projector is one, and is trained further from task to task.
/// <para>
/// In files it is one LoRA adapter of all ranks together, earlier tasks first, with α such that s = α/r stays: it is answered with, merged
/// and read by PEFT as any other.
/// </para>
/// </summary>
/// <param name="task">What is trained, and the projector.</param>
/// <param name="earlier">The earlier tasks' matrices, with the scaling of <paramref name="task"/>; null for the first task.</param>
internal sealed class OLoraAdapter(LoraAdapter task, LoraAdapter? earlier) : IAdapter
{
    /// <summary>The current task's.</summary>
    public LoraAdapter Task { get; } = task;

    /// <summary>All earlier tasks' as one; null for the first task.</summary>
    public LoraAdapter? Earlier { get; } = earlier;

    /// <summary>Of all tasks together.</summary>
    public int Rank => Task.Rank + (Earlier?.Rank ?? 0);

    /// <inheritdoc/>
    public Projector? Projector => Task.Projector;

    /// <inheritdoc/>
    public bool CanMerge => true;

    /// <inheritdoc/>
    public IDecoderUpdates Updates(Dropout? dropout = null) => new LoraUpdates(Task, dropout, Earlier);

    /// <inheritdoc/>
    public IEnumerable<Tensor> UpdateParameters() => Task.UpdateParameters();

    /// <inheritdoc/>
    public IEnumerable<Tensor> Parameters() => Task.Parameters();

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Tensor)> Named(Func<Tensor, Tensor>? of = null) => Task.Named(of);

    /// <inheritdoc/>
    public IEnumerable<(string Name, Tensor Tensor)> Frozen() =>
        Earlier is null ? [] : PeftFolder.LowRank(Earlier).Select(pair => (pair.Key, pair.Value));

    /// <inheritdoc/>
    public void Write(string folder, double dropout, string baseModel) =>
        PeftFolder.Write(folder, Earlier is null ? [Task] : [Earlier, Task], dropout, baseModel);

    /// <summary>The adapter of a task after others: the model answers as with theirs.</summary>
    /// <param name="earlier">What all tasks before have learned, of any rank and alpha. It becomes part of the result.</param>
    /// <param name="projector">The base model's, with which training begins where the earlier adapter has none.</param>
    public static OLoraAdapter Next(
        LoraAdapter earlier,
        DecoderModel language,
        Projector projector,
        LoraOptions options,
        Device device,
        long seed
    )
    {
        var fresh = LoraAdapter.Initialize(language, projector, options with { TrainProjector = false }, device, seed, earlier);
        var ratio = earlier.Scaling / fresh.Scaling;
        if (Math.Abs(ratio - 1) > 1e-12)
        {
            // One scaling holds for all of the file.
            foreach (var b in earlier.Layers.SelectMany(layer => layer.All).SelectMany(linear => linear.B))
            {
                b.mul_(Scalars.Of(ratio));
            }
        }

        return new OLoraAdapter(
            new LoraAdapter(
                fresh.Rank,
                fresh.Alpha,
                fresh.Layers,
                earlier.Projector ?? (options.TrainProjector ? projector.TrainableCopy() : null)
            ),
            new LoraAdapter(earlier.Rank, fresh.Scaling * earlier.Rank, earlier.Layers, projector: null)
        );
    }

    public void Dispose()
    {
        Task.Dispose();
        Earlier?.Dispose();
    }
}
