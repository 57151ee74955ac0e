using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Cpu;

/// <summary>
/// Sequences that are decoded together by <see cref="CpuKernels"/>. Beginnings that prompts have in common are computed and kept once,
/// nothing is padded, every row has memory for its own length only, and rows that have ended cost nothing any more. Prompts that there is
/// no room for begin as others end. A row's logits are the same bits in every batch.
/// </summary>
internal sealed class KernelDecodingBatch : IDecodingBatch
{
    /// <summary>
    /// Positions whose keys and values are kept at a time (a single prompt may exceed it): five rows or six with the longest prompts, for
    /// which a step's pass over the weights is worth while.
    /// </summary>
    public const int KeptPositions = 4096;

    /// <summary>
    /// Positions of prompts that are computed at a time (a single stretch may exceed it): enough for full speed, and little memory however
    /// large the batch.
    /// </summary>
    private const int PrefillPositions = 1024;

    /// <summary>Positions by which a row grows at a time. Few answers are as long as they may be.</summary>
    private const int Growth = 32;

    private readonly IPromptedModel model;
    private readonly IBackend backend;
    private readonly GenerationRequest request;
    private readonly IAdapter? adapter;
    private readonly IDecoderUpdates? updates;
    private readonly int keptPositions;

    /// <summary>The last stretches of the prompts that have not begun.</summary>
    private readonly Queue<PromptStretch> waiting;

    /// <summary>How many prompts have not begun that begin with a stretch.</summary>
    private readonly Dictionary<PromptStretch, int> uses = new(ReferenceEqualityComparer.Instance);

    /// <summary>How many prompts there are in all that begin with a stretch.</summary>
    private readonly Dictionary<PromptStretch, int> sharers;

    /// <summary>What has been computed of stretches that prompts to come begin with.</summary>
    private readonly Dictionary<PromptStretch, KeyValueSpan> shared = new(ReferenceEqualityComparer.Instance);

    private List<int> prompts = [];
    private List<KeyValueSpan> rows = [];
    private List<bool> closed = [];

    public KernelDecodingBatch(
        IPromptedModel model,
        IBackend backend,
        GenerationRequest request,
        IAdapter? adapter = null,
        int keptPositions = KeptPositions
    )
    {
        (this.model, this.backend) = (model, backend);
        this.request = request;
        this.adapter = adapter;
        updates = adapter?.Updates();
        this.keptPositions = keptPositions;
        var pictures = request.Prompts.Sum(prompt => prompt.Ids.Count(PicturePlace.Is));
        waiting = new Queue<PromptStretch>(
            PromptTree.Of(
                request.Prompts,
                request.Pictures ?? [.. Enumerable.Range(0, pictures)],
                model.ImageTokens,
                model.Language.Config.MaxPositions,
                model.Language.RotationsFrom
            )
        );
        foreach (var stretch in waiting.SelectMany(last => last.Beginnings()))
        {
            uses[stretch] = uses.GetValueOrDefault(stretch) + 1;
        }

        sharers = new Dictionary<PromptStretch, int>(uses, ReferenceEqualityComparer.Instance);
    }

    /// <summary>Rows of the longest prompts that are decoded together.</summary>
    /// <param name="prompts">Prompts of the batch.</param>
    /// <param name="positions">Positions of the longest prompt and its answer.</param>
    public static int Rows(int prompts, long positions) => (int)Math.Clamp(KeptPositions / Math.Max(positions, 1), 1, prompts);

    public IReadOnlyList<int> Prompts => prompts;

    public bool HasRoom => waiting.Count > 0 && (rows.Count == 0 || Kept() + Needed(waiting.Peek()) <= keptPositions);

    public bool IsOpen(int row) => !closed[row];

    public bool IsFull(int row) => rows[row].Start + rows[row].Length >= model.Language.Config.MaxPositions;

    public void Close(int row) => closed[row] = true;

    public bool ShouldShrink(int open) => open < rows.Count;

    public void Keep(IReadOnlyList<int> kept)
    {
        foreach (var row in Enumerable.Range(0, rows.Count).Except(kept))
        {
            rows[row].Dispose();
        }

        prompts = [.. kept.Select(row => prompts[row])];
        rows = [.. kept.Select(row => rows[row])];
        closed = [.. kept.Select(row => closed[row])];
    }

    public long[] Prefill()
    {
        using var scope = NewDisposeScope();
        var ends = new List<Tensor>();
        var begun = rows.Count;
        while (HasRoom)
        {
            ends.Add(Compute(Turn()));
        }

        return Choose(cat(ends, 0), [.. prompts.Skip(begun)]);
    }

    public long[] Decode(long[] ids)
    {
        using var scope = NewDisposeScope();
        var positions = new NewPositions[rows.Count];
        for (var row = 0; row < rows.Count; row++)
        {
            if (rows[row].IsFull)
            {
                var last = rows[row];
                rows[row] = NewSpan(Growth, last, last.Rotations);
                last.Dispose();
            }

            positions[row] = new NewPositions(row, 1, rows[row], rows[row].Extend(1));
        }

        int[] open = [.. closed.Select(ended => ended ? 0 : 1)];
        updates?.Begin(open, open);
        return Choose(CpuDecoder.Infer(model.Language, updates, model.Language.Embed(tensor(ids)), positions, positions), prompts);
    }

    public void Dispose()
    {
        foreach (var span in rows.Concat(shared.Values))
        {
            span.Dispose();
        }

        rows.Clear();
        shared.Clear();
    }

    /// <summary>Positions that there is memory for.</summary>
    private int Kept()
    {
        var spans = new HashSet<KeyValueSpan>();
        foreach (var last in rows.Concat(shared.Values))
        {
            for (var span = last; span is not null && spans.Add(span); span = span.Before) { }
        }

        return spans.Sum(span => span.Capacity);
    }

    /// <summary>Positions that a prompt adds to them.</summary>
    private int Needed(PromptStretch last) => Room(last) + last.Beginnings().Where(stretch => !shared.ContainsKey(stretch)).Sum(Room);

    /// <summary>Positions of a stretch; a prompt's last has room for the beginning of its answer.</summary>
    private int Room(PromptStretch stretch) => stretch.Length + (stretch.Prompt is null ? 0 : Math.Min(request.MaxNewTokens, Growth));

    private KeyValueSpan NewSpan(int positions, KeyValueSpan? before, int rotations)
    {
        var config = model.Language.Config;
        return new KeyValueSpan(config.Layers, config.KeyValueHeads, config.HeadSize, positions, before) { Rotations = rotations };
    }

    /// <summary>Begins prompts until there is enough to compute, or no room.</summary>
    private List<(PromptStretch Stretch, KeyValueSpan Span)> Turn()
    {
        var turn = new List<(PromptStretch Stretch, KeyValueSpan Span)>();
        do
        {
            var last = waiting.Dequeue();
            foreach (var stretch in last.Beginnings().Append(last).Where(stretch => !shared.ContainsKey(stretch)))
            {
                var span = NewSpan(Room(stretch), stretch.Before is null ? null : shared[stretch.Before], stretch.Rotations);
                span.Extend(stretch.Length);
                turn.Add((stretch, span));
                if (stretch.Prompt is { } prompt)
                {
                    prompts.Add(prompt);
                    rows.Add(span);
                    closed.Add(false);
                }
                else
                {
                    shared.Add(stretch, span);
                }
            }

            foreach (var stretch in last.Beginnings())
            {
                if (--uses[stretch] == 0)
                {
                    shared.Remove(stretch, out var span);
                    span!.Dispose();
                }
            }
        } while (HasRoom && turn.Sum(one => one.Stretch.Length) + Needed(waiting.Peek()) <= PrefillPositions);
        return turn;
    }

    /// <summary>Computes stretches.</summary>
    /// <returns>[prompts that end with them, hidden size]: the last positions' hidden states.</returns>
    private Tensor Compute(List<(PromptStretch Stretch, KeyValueSpan Span)> turn)
    {
        using var scope = NewDisposeScope();
        using var batch = SequenceBatch.Create(
            [.. turn.Select(one => new TokenSequence(one.Stretch.Ids, null))],
            model.ImageTokens,
            model.Language.Config.MaxPositions,
            model.Language.Device,
            [.. turn.Select(one => one.Stretch.Turned)]
        );
        var stored = new List<NewPositions>();
        var wanted = new List<NewPositions>();
        var from = 0;
        foreach (var (stretch, span) in turn)
        {
            stored.Add(new NewPositions(from, stretch.Length, span, 0));
            from += stretch.Length;
            if (stretch.Prompt is not null)
            {
                wanted.Add(new NewPositions(from - 1, 1, span, span.Length - 1));
            }
        }

        updates?.Begin(
            [.. turn.SelectMany(one => Enumerable.Repeat(one.Stretch.Prompt is null ? sharers[one.Stretch] : 1, one.Stretch.Length))],
            [.. wanted.Select(_ => 1)]
        );
        int[] pictures = [.. turn.SelectMany(one => one.Stretch.Pictures)];
        var features = pictures.Length == 0 ? null : request.Features!.Select(pictures);
        return CpuDecoder
            .Infer(model.Language, updates, model.Embed(batch, features, adapter?.Projector), stored, wanted, batch.Axes)
            .MoveToOuterDisposeScope();
    }

    private long[] Choose(Tensor hidden, IReadOnlyList<int> of)
    {
        var scores = backend.Logits(model.Language, hidden);
        request.Logits?.Invoke(scores, of);
        return request.Choose is { } choose ? choose(scores, of) : scores.argmax(-1).data<long>().ToArray();
    }
}
