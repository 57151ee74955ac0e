using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Models.Adapters;
using CoIN.Models.Families;
using CoIN.Models.Sequences;

namespace CoIN.Models.Planning;

/// <summary>What a method needs beside the training itself.</summary>
/// <param name="Device">Memory of the device.</param>
/// <param name="Host">Memory of the host.</param>
/// <param name="Disk">Bytes of its state in all adapters' folders and two checkpoints.</param>
/// <param name="Passes">Further passes in words; null for none.</param>
/// <param name="PassedTokens">Their positions, a forward pass alone counted as a third; null where the data are not there yet.</param>
internal sealed record MethodCosts(
    IReadOnlyList<MemoryPart> Device,
    IReadOnlyList<MemoryPart> Host,
    long Disk,
    string? Passes = null,
    long? PassedTokens = 0
)
{
    private const int Float = 4;

    // A backward pass is about twice as much work.
    private const long ForwardPart = 3;

    private static MethodCosts None { get; } = new([], [], 0);

    /// <summary>Works them out.</summary>
    /// <param name="trained">Parameters that are trained.</param>
    /// <param name="frozen">Parameters that each stage's adapter holds fixed; none for most methods.</param>
    /// <param name="shape">The model's.</param>
    /// <param name="targets">The maps that have low-rank matrices; null for all.</param>
    /// <param name="sizes">Sizes of each stage's own samples, null where they are not there yet.</param>
    /// <param name="stages">The stages as they are planned.</param>
    public static MethodCosts Of(
        ExperimentOptions options,
        long trained,
        IReadOnlyList<long> frozen,
        ModelShape shape,
        AdapterTargets? targets,
        IReadOnlyList<IReadOnlyList<SequenceSize>?> sizes,
        IReadOnlyList<PlannedStage> stages
    ) =>
        options.Method switch
        {
            EwcOptions.Key => Ewc(options.OptionsOf<EwcOptions>(), trained, sizes),
            LwfOptions.Key when options.OptionsOf<LwfOptions>() is { Teacher: LwfTeacher.Saved } lwf => Saved(
                lwf,
                shape.Text.VocabularySize,
                sizes,
                stages
            ),
            LwfOptions.Key => NewTask(trained, stages),
            EmaOptions.Key => new([new("moving average (float32)", trained * Float)], [], 2 * trained * Float),
            OLoraOptions.Key => Apart(frozen),
            RegLoraOptions.Key => Apart(frozen) with
            {
                Device = RegLora(options.OptionsOf<RegLoraOptions>(), frozen.Count, shape, targets),
            },
            ReplayOptions.Key => None with
            {
                Passes =
                    $"stages after the first train on {options.OptionsOf<ReplayOptions>().Samples} samples more of each finished task; "
                    + "their steps are counted above",
            },
            _ => None,
        };

    // Earlier tasks' LoRA is held on the device as part of the adapter, and saved with every stage's.
    private static MethodCosts Apart(IReadOnlyList<long> frozen) =>
        None with
        {
            Disk = frozen.Sum() * Float,
            Passes = frozen.Count < 2 ? null : "every step goes through the LoRA of all earlier tasks as well",
        };

    private static IReadOnlyList<MemoryPart> RegLora(RegLoraOptions options, int stages, ModelShape shape, AdapterTargets? targets)
    {
        var maps = Enumerable
            .Range(0, shape.Text.Layers)
            .SelectMany(layer => AdaptedMap.Of(shape, layer, targets))
            .Select(map => map.In * map.Out)
            .ToList();
        return stages < 2 || maps.Count == 0
            ? []
            :
            [
                new(
                    "RegLoRA: key elements of earlier tasks (int32)",
                    (stages - 1) * maps.Sum(size => Methods.RegLora.KeyElements(options, size)) * sizeof(int)
                ),
                // The map's product, its copy of magnitudes or gradient, and key elements as 64-bit numbers with their signs.
                new(
                    "RegLoRA: one map's update and gradient (float32)",
                    maps.Max(size =>
                        (2 * size * Float) + ((stages - 1) * Methods.RegLora.KeyElements(options, size) * (sizeof(long) + Float))
                    )
                ),
            ];
    }

    private static MethodCosts Ewc(EwcOptions options, long trained, IReadOnlyList<IReadOnlyList<SequenceSize>?> sizes)
    {
        var bytes = 2 * trained * (options.StateDtype == "float32" ? Float : sizeof(short));
        IReadOnlyList<MemoryPart> parts =
        [
            new($"EWC: Fisher information and anchors ({options.StateDtype})", bytes),
            new("EWC: squared gradients at a stage's end (float32)", trained * Float),
        ];
        var host = options.StateOn == "host";
        return new(
            host ? [] : parts,
            host ? parts : [],
            bytes * (sizes.Count + 2),
            $"{options.Samples} samples, one by one, at the end of each stage",
            Sum(sizes, size => options.Samples * Mean(size))
        );
    }

    private static MethodCosts Saved(
        LwfOptions options,
        int vocabulary,
        IReadOnlyList<IReadOnlyList<SequenceSize>?> sizes,
        IReadOnlyList<PlannedStage> stages
    )
    {
        var bytes = options.LogitsDtype == "float32" ? Float : sizeof(short);

        // Of the highest, the token's place too, and one number for all others.
        var position =
            options.TopK == 0 ? (long)vocabulary * bytes : ((long)Math.Min(options.TopK, vocabulary) * (bytes + sizeof(int))) + Float;
        var what =
            options.LogitsDtype
            + (options.TopK == 0 ? "" : FormattableString.Invariant($", the {Math.Min(options.TopK, vocabulary)} highest"));
        long all = 0,
            disk = 0;
        foreach (var size in sizes)
        {
            // Each adapter has the logits of all tasks so far.
            all += size is { Count: > 0 } ? (long)(options.Samples * size.Average(one => one.Labelled) * position) : 0;
            disk += all;
        }

        var known = sizes.All(size => size is not null);
        var rehearsed = stages.Skip(1).Select(stage => stage.Steps).ToList();
        return new(
            [],
            [new(known ? $"LwF: saved logits ({what})" : "LwF: saved logits (not known before the data are there)", all)],
            disk + (2 * all),
            $"{options.PerStep} saved samples more in each step from the second stage on, and {options.Samples} forward at each stage's end",
            known && rehearsed.All(steps => steps is not null)
                ? Sum(sizes, size => options.Samples * Mean(size) / ForwardPart)
                    + rehearsed.Sum(steps => (long)steps! * options.PerStep * (long)sizes.Average(size => Mean(size!)))
                : null
        );
    }

    private static MethodCosts NewTask(long trained, IReadOnlyList<PlannedStage> stages) =>
        new(
            [new("LwF: teacher, and what is trained while it computes (float32)", 2 * trained * Float)],
            [],
            2 * trained * Float,
            "the teacher's forward pass of every micro-batch from the second stage on",
            stages.All(stage => stage.Tokens is not null) ? stages.Skip(1).Sum(stage => stage.Tokens!.Value / ForwardPart) : null
        );

    private static long? Sum(IReadOnlyList<IReadOnlyList<SequenceSize>?> sizes, Func<IReadOnlyList<SequenceSize>, long> of) =>
        sizes.All(size => size is not null) ? sizes.Sum(size => of(size!)) : null;

    private static long Mean(IReadOnlyList<SequenceSize> sizes) => sizes.Count == 0 ? 0 : (long)sizes.Average(size => size.Positions);
}
