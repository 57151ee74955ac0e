using CoIN.Models.Modules;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Sequences;

/// <summary>One sequence for the model.</summary>
/// <param name="Ids">Token ids, <see cref="SequenceBatch.ImagePlaceholder"/> where a picture stands.</param>
/// <param name="Labels">
/// As long as <paramref name="Ids"/>, <see cref="SequenceBatch.Ignored"/> where nothing is learned; null for prompts.
/// </param>
internal sealed record TokenSequence(IReadOnlyList<int> Ids, IReadOnlyList<int>? Labels)
{
    /// <summary>What the sequence amounts to once its pictures are expanded and it is cut.</summary>
    /// <param name="imageTokens">Positions of a picture.</param>
    /// <param name="maxLength">Longest sequence.</param>
    public SequenceSize Measure(int imageTokens, int maxLength)
    {
        int positions = 0, labelled = 0, pictures = 0;
        for (var i = 0; i < Ids.Count; i++)
        {
            if (Ids[i] == SequenceBatch.ImagePlaceholder)
            {
                positions += imageTokens;
                pictures++;
                continue;
            }

            // The first position has no position before it that could predict it.
            if (positions > 0 && positions < maxLength && Labels is not null && Labels[i] != SequenceBatch.Ignored)
            {
                labelled++;
            }

            positions++;
        }

        return new SequenceSize(Math.Min(positions, maxLength), labelled, pictures);
    }
}

/// <summary>How much work a sequence is.</summary>
/// <param name="Positions">Positions of text and pictures.</param>
/// <param name="Labelled">Positions whose next token is learned.</param>
internal readonly record struct SequenceSize(int Positions, int Labelled, int Pictures);

/// <summary>
/// Sequences made ready for the model: pictures expanded to their positions, everything packed end to end, and the positions whose next
/// token is labelled.
/// </summary>
internal sealed class SequenceBatch : IDisposable
{
    /// <summary>Stands for a whole picture in token ids.</summary>
    public const int ImagePlaceholder = -200;

    /// <summary>A label that is not learned.</summary>
    public const int Ignored = -100;

    private SequenceBatch(PackedSequences sequences, int pictures, Tensor textIds, Tensor order, Tensor labelledRows, Tensor targets)
    {
        Sequences = sequences;
        Pictures = pictures;
        TextIds = textIds;
        Order = order;
        LabelledRows = labelledRows;
        Targets = targets;
    }

    public PackedSequences Sequences { get; }

    /// <summary>Pictures in all sequences.</summary>
    public int Pictures { get; }

    /// <summary>int64 [text tokens]: the ids of all sequences without placeholders.</summary>
    public Tensor TextIds { get; }

    /// <summary>int64 [sum of lengths]: for each position its row in (text embeddings, then picture features).</summary>
    public Tensor Order { get; }

    /// <summary>int64: packed positions whose next token is labelled.</summary>
    public Tensor LabelledRows { get; }

    /// <summary>int64: that next token.</summary>
    public Tensor Targets { get; }

    /// <summary>Makes a batch.</summary>
    /// <param name="imageTokens">Positions of a picture.</param>
    /// <param name="maxLength">Longer sequences are cut at their end.</param>
    public static SequenceBatch Create(IReadOnlyList<TokenSequence> rows, int imageTokens, int maxLength, Device device)
    {
        // Pictures get negative rows first, for the number of text tokens is known only at the end.
        var text = new List<long>();
        var order = new List<long>();
        var labelled = new List<long>();
        var targets = new List<long>();
        var lengths = new List<int>();
        var pictures = 0;
        foreach (var row in rows)
        {
            var start = order.Count;
            for (var i = 0; i < row.Ids.Count; i++)
            {
                if (row.Ids[i] == ImagePlaceholder)
                {
                    for (var patch = 0; patch < imageTokens && order.Count - start < maxLength; patch++)
                    {
                        order.Add(-1 - (((long)pictures * imageTokens) + patch));
                    }

                    pictures++;
                }
                else if (order.Count - start < maxLength)
                {
                    if (row.Labels is not null && row.Labels[i] != Ignored && order.Count > start)
                    {
                        labelled.Add(order.Count - 1);
                        targets.Add(row.Labels[i]);
                    }

                    order.Add(text.Count);
                    text.Add(row.Ids[i]);
                }
            }

            lengths.Add(order.Count - start);
        }

        using var scope = NewDisposeScope();
        Tensor Indices(IEnumerable<long> values) => tensor(values.ToArray(), device: device).DetachFromDisposeScope();
        return new SequenceBatch(
            new PackedSequences(lengths, device), pictures, Indices(text), Indices(order.Select(at => at >= 0 ? at : text.Count - 1 - at)),
            Indices(labelled), Indices(targets));
    }

    public void Dispose()
    {
        Sequences.Dispose();
        TextIds.Dispose();
        Order.Dispose();
        LabelledRows.Dispose();
        Targets.Dispose();
    }
}
