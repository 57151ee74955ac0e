using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Libtorch;

/// <summary>
/// Sequences that are decoded together by libtorch, on any device and in any type: a row of every layer's cache for each.
/// </summary>
internal sealed class TorchDecodingBatch : IDecodingBatch
{
    /// <summary>
    /// Positions of prompts that are computed at a time: enough for full speed, and no more memory however large the batch.
    /// </summary>
    private const int PrefillPositions = 4096;

    /// <summary>Positions by which the caches grow ahead of the answers. Few answers are as long as they may be.</summary>
    private const int Growth = 64;

    // What a row that has ended has for its length.
    private const int Closed = -1;

    private readonly IPromptedModel model;
    private readonly GenerationRequest request;
    private readonly IAdapter? adapter;
    private readonly IDecoderUpdates? updates;
    private readonly PrefillPlan plan;
    private readonly Tensor places;
    private IReadOnlyList<LayerCache> caches;
    private int capacity;

    /// <summary>Positions of each row so far.</summary>
    private int[] lengths;

    /// <summary>Where each row's rotations begin.</summary>
    private int[] rotations;

    public TorchDecodingBatch(IPromptedModel model, GenerationRequest request, IAdapter? adapter)
    {
        this.model = model;
        this.request = request;
        this.adapter = adapter;
        updates = adapter?.Updates();
        updates?.Prepare(model.Language.Dtype);
        var config = model.Language.Config;
        var pictures = request.Prompts.Sum(prompt => prompt.Ids.Count(PicturePlace.Is));
        plan = PrefillPlan.For(
            request.Prompts,
            request.Pictures ?? [.. Enumerable.Range(0, pictures)],
            model.ImageTokens,
            config.MaxPositions,
            model.Language.RotationsFrom
        );
        Prompts = plan.Prompts;
        lengths = new int[Prompts.Count];
        rotations = new int[Prompts.Count];
        foreach (var head in plan.Heads)
        {
            foreach (var row in head.Rows)
            {
                lengths[row] = head.Length + (row < plan.Tails.Count ? plan.Tails[row].Ids.Count : 0);
                rotations[row] = head.Rotations;
            }
        }

        capacity = Ahead(lengths.Max());
        places = arange(Scalars.Of(0L), Scalars.Of((long)config.MaxPositions), Scalars.Of(1L), device: model.Language.Device)
            .DetachFromDisposeScope();
        caches =
        [
            .. Enumerable
                .Range(0, config.Layers)
                .Select(_ =>
                    LayerCache.Empty(
                        Prompts.Count,
                        capacity,
                        config.KeyValueHeads,
                        config.HeadSize,
                        model.Language.Dtype,
                        model.Language.Device
                    )
                ),
        ];
    }

    public IReadOnlyList<int> Prompts { get; private set; }

    public bool HasRoom { get; private set; } = true;

    public bool IsOpen(int row) => lengths[row] != Closed;

    public bool IsFull(int row) => lengths[row] >= model.Language.Config.MaxPositions;

    /// <remarks>It is still computed, in place of its first position.</remarks>
    public void Close(int row) => lengths[row] = Closed;

    /// <remarks>Shrinking copies the caches.</remarks>
    public bool ShouldShrink(int open) => open * 2 <= Prompts.Count;

    public long[] Prefill()
    {
        using var scope = NewDisposeScope();
        HasRoom = false;
        var last = new Tensor[Prompts.Count];
        foreach (var turn in plan.Turns(PrefillPositions))
        {
            Heads(turn, last);
        }

        var ends = last.Skip(plan.Tails.Count).ToList();
        if (plan.Tails.Count > 0)
        {
            ends.Insert(0, Tails());
        }

        return Choose(cat(ends, 0));
    }

    public long[] Decode(long[] ids)
    {
        using var scope = NewDisposeScope();
        var device = model.Language.Device;
        var positions = lengths.Select(length => (long)Math.Max(length, 0)).ToArray();
        var covered = (int)positions.Max() + 1;
        if (covered > capacity)
        {
            Resize([.. Enumerable.Range(0, lengths.Length)], Ahead(covered));
        }

        for (var row = 0; row < lengths.Length; row++)
        {
            lengths[row] += IsOpen(row) ? 1 : 0;
        }

        var indices = Uploads.Indices(
            device,
            positions,
            [.. positions.Select((position, row) => ((long)row * capacity) + position)],
            [.. positions.Zip(rotations, (position, from) => position + from)],
            ids
        );
        var (at, slots, turned) = (indices[0]!, indices[1]!, indices[2]!);
        var mask = places.narrow(0, 0, covered).unsqueeze(0).le(at.unsqueeze(1)).view(lengths.Length, 1, 1, covered);
        int[] open = [.. lengths.Select((_, row) => IsOpen(row) ? 1 : 0)];
        updates?.Begin(open, open);
        return Choose(
            Infer(
                model.Language.Embed(indices[3]!),
                turned,
                new NextPositions(model.Language.Config, caches, slots, mask, model.Language.QueryScaleAt(at))
            )
        );
    }

    public void Keep(IReadOnlyList<int> rows)
    {
        Prompts = [.. rows.Select(row => Prompts[row])];
        lengths = [.. rows.Select(row => lengths[row])];
        rotations = [.. rows.Select(row => rotations[row])];
        if (rows.Count > 0)
        {
            Resize(rows, Ahead(lengths.Max()));
        }
    }

    public void Dispose()
    {
        places.Dispose();
        foreach (var cache in caches)
        {
            cache.Dispose();
        }
    }

    private int Ahead(int positions) => Math.Min(positions + Math.Min(request.MaxNewTokens, Growth), model.Language.Config.MaxPositions);

    private void Resize(IReadOnlyList<int> rows, int newCapacity)
    {
        using var scope = NewDisposeScope();
        var keep = tensor(rows.Select(row => (long)row).ToArray(), device: model.Language.Device);
        var filled = Math.Min(lengths.Max(), capacity);
        var old = caches;
        var grown = new List<LayerCache>(old.Count);
        foreach (var cache in old)
        {
            // One layer after the other, so that at most one is there twice.
            grown.Add(cache.Select(keep, filled, newCapacity));
            cache.Dispose();
        }

        caches = grown;
        capacity = newCapacity;
    }

    /// <summary>Computes some heads and stores them in the rows that begin with them; keeps the last positions of whole prompts.</summary>
    private void Heads(IReadOnlyList<PromptHead> heads, Tensor[] last)
    {
        using var scope = NewDisposeScope();
        using var batch = SequenceBatch.Create(
            [.. heads.Select(head => new TokenSequence(head.Ids, null))],
            model.ImageTokens,
            model.Language.Config.MaxPositions,
            model.Language.Device
        );
        var target = new List<CachePlace>();
        var from = 0;
        foreach (var head in heads)
        {
            target.AddRange(head.Rows.Select(row => new CachePlace(from, head.Length, row, 0)));
            from += head.Length;
        }

        int[] rows = [.. heads.SelectMany(head => head.Pictures)];
        var features = rows.Length == 0 ? null : request.Features!.Select(rows).to(model.Language.Device);
        var ends = tensor(
            heads.Select((_, i) => (long)heads.Take(i + 1).Sum(head => head.Length) - 1).ToArray(),
            device: model.Language.Device
        );

        // Ends of beginnings that have tails are nobody's last positions.
        updates?.Begin(
            [.. heads.SelectMany(head => Enumerable.Repeat(head.Rows.Count, head.Length))],
            [.. heads.Select(head => head.Rows[0] < plan.Tails.Count ? 0 : 1)]
        );
        var positions = batch.Sequences.Positions;
        var attention = new WholeSequences(
            model.Language.Config,
            batch.Sequences,
            (layer, k, v) => caches[layer].Write(k, v, target),
            model.Language.QueryScaleAt(positions)
        );
        var turned = batch.Axes
            ?? (
                heads.All(head => head.Rotations == 0)
                    ? positions
                    : positions.add(
                        tensor(
                            heads.SelectMany(head => Enumerable.Repeat((long)head.Rotations, head.Length)).ToArray(),
                            device: positions.device
                        ),
                        Scalars.Of(1L)
                    )
            );
        var hidden = Infer(model.Embed(batch, features, adapter?.Projector), turned, attention, ends);
        for (var i = 0; i < heads.Count; i++)
        {
            if (heads[i].Rows[0] >= plan.Tails.Count)
            {
                last[heads[i].Rows[0]] = hidden.narrow(0, i, 1).MoveToOuterDisposeScope();
            }
        }
    }

    /// <summary>Computes all tails.</summary>
    /// <returns>Their last positions' hidden states.</returns>
    private Tensor Tails()
    {
        using var scope = NewDisposeScope();
        var device = model.Language.Device;
        var tails = plan.Tails;
        using var sequences = new PackedSequences([.. tails.Select(tail => tail.Ids.Count)], device);
        var ids = tails.SelectMany(tail => tail.Ids).Select(id => (long)id).ToArray();
        var positions = tails.SelectMany(tail => tail.Ids.Select((_, i) => (long)tail.Start + i)).ToArray();
        var turned = tails.SelectMany(tail => tail.Ids.Select((_, i) => (long)tail.Rotations + tail.Start + i)).ToArray();
        var seen = tails
            .SelectMany(tail => Enumerable.Range(0, sequences.Longest).Select(i => (long)tail.Start + Math.Min(i, tail.Ids.Count - 1)))
            .ToArray();
        var target = new List<CachePlace>();
        var last = new long[tails.Count];
        for (int row = 0, from = 0; row < tails.Count; from += tails[row].Ids.Count, row++)
        {
            target.Add(new CachePlace(from, tails[row].Ids.Count, row, tails[row].Start));
            last[row] = from + tails[row].Ids.Count - 1;
        }

        var covered = seen.Max() + 1;
        var mask = places.narrow(0, 0, covered).le(tensor(seen, [tails.Count, 1, sequences.Longest, 1], device: device));
        int[] ends = [.. tails.SelectMany(tail => Enumerable.Range(1, tail.Ids.Count).Select(place => place == tail.Ids.Count ? 1 : 0))];
        updates?.Begin([.. ids.Select(_ => 1)], ends);
        var hidden = Infer(
            model.Language.Embed(tensor(ids, device: device)),
            tensor(turned, device: device),
            new NewStretches(
                model.Language.Config,
                sequences,
                caches,
                target,
                mask,
                model.Language.QueryScaleAt(tensor(positions, device: device))
            )
        );
        return hidden.index_select(0, tensor(last, device: device)).MoveToOuterDisposeScope();
    }

    /// <summary>Hidden states of new positions: what <see cref="DecoderModel"/> computes as a module.</summary>
    private Tensor Infer(Tensor embedded, Tensor positions, DecoderAttention attention, Tensor? rows = null)
    {
        using var scope = NewDisposeScope();
        var language = model.Language;
        var turns = new Turns(language.Rotation(positions));
        var passing = new PassingAttention(language.Config, attention);
        var x = embedded;
        for (var i = 0; i < language.Layers.Count; i++)
        {
            x = LibtorchLayer.Forward(language, i, updates?.Layer(i), x, turns, passing, i == language.Layers.Count - 1 ? rows : null);
        }

        return x.MoveToOuterDisposeScope();
    }

    private long[] Choose(Tensor hidden)
    {
        var scores = model.Language.Logits(hidden);
        request.Logits?.Invoke(scores, Prompts);
        return request.Choose is { } choose ? choose(scores, Prompts) : scores.argmax(-1).cpu().data<long>().ToArray();
    }
}
