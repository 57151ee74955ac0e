using CoIN.Models.Modules;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Sequences;

/// <summary>One sequence for the model.</summary>
/// <param name="Ids">Token ids, a <see cref="PicturePlace"/> where a picture stands.</param>
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
        int positions = 0,
            labelled = 0,
            pictures = 0;
        for (var i = 0; i < Ids.Count; i++)
        {
            if (PicturePlace.Is(Ids[i]))
            {
                positions += PicturePlace.Positions(Ids[i], imageTokens);
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
    /// <summary>
    /// Stands for a whole picture in token ids, where all have the same number of positions; see <see cref="PicturePlace"/>.
    /// </summary>
    public const int ImagePlaceholder = -200;

    /// <summary>A label that is not learned.</summary>
    public const int Ignored = -100;

    private SequenceBatch(
        PackedSequences sequences,
        Tensor? axes,
        int pictures,
        Tensor textIds,
        Tensor order,
        Tensor labelledRows,
        Tensor targets,
        Tensor? factors
    )
    {
        Sequences = sequences;
        Axes = axes;
        Pictures = pictures;
        TextIds = textIds;
        Order = order;
        LabelledRows = labelledRows;
        Targets = targets;
        Factors = factors;
    }

    public PackedSequences Sequences { get; }

    /// <summary>
    /// int64 [sum of lengths, 3]: each position in time, height and width, where there are pictures that keep their size; null where these
    /// are the same for all positions.
    /// </summary>
    public Tensor? Axes { get; }

    /// <summary>What turns queries and keys: int64 [sum of lengths], or [sum of lengths, 3].</summary>
    public Tensor RotaryPositions => Axes ?? Sequences.Positions;

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

    /// <summary>
    /// float32 [labelled]: what the loss of each labelled position is multiplied with beside the mean, 1 on the average; null for 1.
    /// </summary>
    public Tensor? Factors { get; }

    /// <summary>Makes a batch.</summary>
    /// <param name="imageTokens">Positions of a picture.</param>
    /// <param name="maxLength">Longer sequences are cut at their end.</param>
    /// <param name="starts">The rotary position of each sequence's first token, where it is not 0.</param>
    /// <param name="factors">For each sequence what the losses of its labelled positions are multiplied with; null for 1.</param>
    public static SequenceBatch Create(
        IReadOnlyList<TokenSequence> rows,
        int imageTokens,
        int maxLength,
        Device device,
        IReadOnlyList<int>? starts = null,
        IReadOnlyList<float>? factors = null
    )
    {
        // Pictures get negative rows first, for the number of text tokens is known only at the end.
        var text = new List<long>();
        var order = new List<long>();
        var labelled = new List<long>();
        var targets = new List<long>();
        var weighed = new List<float>();
        var lengths = new List<int>();
        var pictures = 0;
        long shown = 0;
        var axes = rows.Any(row => row.Ids.Any(id => PicturePlace.Size(id) is not null)) ? new List<long>() : null;
        foreach (var (number, row) in rows.Index())
        {
            var start = order.Count;
            long turned = starts?[number] ?? 0;
            for (var i = 0; i < row.Ids.Count; i++)
            {
                if (PicturePlace.Is(row.Ids[i]))
                {
                    var size = PicturePlace.Size(row.Ids[i]) ?? (1, imageTokens);
                    var positions = PicturePlace.Positions(row.Ids[i], imageTokens);
                    for (var patch = 0; patch < positions && order.Count - start < maxLength; patch++)
                    {
                        order.Add(-1 - (shown + patch));
                        axes?.AddRange([turned, turned + (patch / size.Columns), turned + (patch % size.Columns)]);
                    }

                    shown += positions;
                    turned += Math.Max(size.Rows, size.Columns);
                    pictures++;
                }
                else if (order.Count - start < maxLength)
                {
                    if (row.Labels is not null && row.Labels[i] != Ignored && order.Count > start)
                    {
                        labelled.Add(order.Count - 1);
                        targets.Add(row.Labels[i]);
                        weighed.Add(factors?[number] ?? 1);
                    }

                    order.Add(text.Count);
                    text.Add(row.Ids[i]);
                    axes?.AddRange([turned, turned, turned]);
                    turned++;
                }
            }

            lengths.Add(order.Count - start);
        }

        using var scope = NewDisposeScope();
        long[]?[] arrays =
        [
            [.. text],
            [.. order.Select(at => at >= 0 ? at : text.Count - 1 - at)],
            [.. labelled],
            [.. targets],
            axes?.ToArray(),
            .. PackedSequences.Indices(lengths),
        ];
        var indices = Uploads.Indices(device, arrays);
        var sequences = new PackedSequences(lengths, () => indices[5..]);
        foreach (var index in indices)
        {
            index?.DetachFromDisposeScope();
        }

        return new SequenceBatch(
            sequences,
            indices[4]?.view(-1, 3).DetachFromDisposeScope(),
            pictures,
            indices[0]!,
            indices[1]!,
            indices[2]!,
            indices[3]!,
            factors is null ? null : Uploads.To(tensor(weighed), device).DetachFromDisposeScope()
        );
    }

    public void Dispose()
    {
        Sequences.Dispose();
        Axes?.Dispose();
        TextIds.Dispose();
        Order.Dispose();
        LabelledRows.Dispose();
        Targets.Dispose();
        Factors?.Dispose();
    }
}
