using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Tests.Cpu.Kernels;

/// <summary>Attention over stretches of keys and values against libtorch's over whole sequences.</summary>
public sealed class AttentionTests : KernelTests
{
    private readonly List<KeyValueSpan> spans = [];

    public override void Dispose()
    {
        spans.ForEach(span => span.Dispose());
        base.Dispose();
    }

    public static TheoryData<int, int, int, int> Layouts { get; } =
    [(4, 4, 64, 150), (4, 2, 32, 67), (6, 2, 8, 40), (2, 1, 20, 16), (2, 2, 128, 33), (1, 1, 48, 1), (2, 2, 80, 5)];

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_sequence_in_stretches_attends_as_a_whole_one(int heads, int keyValueHeads, int size, int length)
    {
        var layout = new HeadLayout(heads, keyValueHeads, size);
        var qkv = Draw(layout, length);

        // Two stretches of a beginning in one pass, then one position, then all the rest.
        int first = length / 3,
            second = length / 2;
        var expected = Expected(qkv, layout, causal: true);
        KeyValueSpan a = Span(layout, first, null),
            b = Span(layout, second - first, a),
            c = Span(layout, length - second, b);
        var actual = new List<Tensor>();
        foreach (
            var stretches in new (KeyValueSpan, int, int)[][]
            {
                [(a, 0, first), (b, first, second)],
                [(c, second, second + 1)],
                [(c, second + 1, length)],
            }
        )
        {
            var rows = stretches.Where(one => one.Item3 > one.Item2).ToList();
            if (rows.Count == 0)
            {
                continue;
            }

            var offset = rows[0].Item2;
            var positions = rows.Select(one => new NewPositions(
                    one.Item2 - offset,
                    one.Item3 - one.Item2,
                    one.Item1,
                    one.Item1.Extend(one.Item3 - one.Item2)
                ))
                .ToList();
            var part = qkv.narrow(0, offset, rows[^1].Item3 - offset).clone();
            Attention.Store(part, layout, positions, layer: 1, rotation: null);
            actual.Add(Attention.Attend(part, layout, positions, layer: 1, causal: true));
        }

        Close(expected, cat(actual, 0));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public void A_picture_attends_to_all_of_itself(int heads, int keyValueHeads, int size, int length)
    {
        var layout = new HeadLayout(heads, keyValueHeads, size);
        var qkv = Draw(layout, length);
        var span = Span(layout, length, null);
        var positions = new NewPositions(0, length, span, span.Extend(length));
        var expected = Expected(qkv, layout, causal: false);
        Attention.Store(qkv, layout, [positions], layer: 1, rotation: null);
        Close(expected, Attention.Attend(qkv, layout, [positions], layer: 1, causal: false));
    }

    [Fact]
    public void Sequences_with_the_same_beginning_have_the_bits_of_sequences_alone()
    {
        var layout = new HeadLayout(2, 2, 64);
        Tensor beginning = Draw(layout, 50),
            one = Draw(layout, 9),
            other = Draw(layout, 20);

        var shared = Span(layout, 50, null);
        KeyValueSpan first = Span(layout, 9, shared),
            second = Span(layout, 20, shared);
        var together = cat([beginning, one, other], 0);
        List<NewPositions> all =
        [
            new(0, 50, shared, shared.Extend(50)),
            new(50, 9, first, first.Extend(9)),
            new(59, 20, second, second.Extend(20)),
        ];
        Attention.Store(together, layout, all, layer: 0, rotation: null);
        var attended = Attention.Attend(together, layout, all, layer: 0, causal: true);

        KeyValueSpan before = Span(layout, 50, null),
            last = Span(layout, 20, before);
        var alone = cat([beginning, other], 0);
        List<NewPositions> own = [new(0, 50, before, before.Extend(50)), new(50, 20, last, last.Extend(20))];
        Attention.Store(alone, layout, own, layer: 0, rotation: null);
        Assert.Equal(
            Attention.Attend(alone, layout, own, layer: 0, causal: true).narrow(0, 50, 20).contiguous().bytes.ToArray(),
            attended.narrow(0, 59, 20).contiguous().bytes.ToArray()
        );
    }

    [Fact]
    public void Only_what_is_asked_for_is_computed_in_the_order_in_which_it_is()
    {
        var layout = new HeadLayout(2, 1, 16);
        var qkv = Draw(layout, 30);
        var span = Span(layout, 30, null);
        Attention.Store(qkv, layout, [new(0, 30, span, span.Extend(30))], layer: 0, rotation: null);
        var all = Attention.Attend(qkv, layout, [new(0, 30, span, 0)], layer: 0, causal: true);
        var some = Attention.Attend(qkv, layout, [new(29, 1, span, 29), new(4, 2, span, 4)], layer: 0, causal: true);
        Assert.Equal(all.index_select(0, tensor(new long[] { 29, 4, 5 })).bytes.ToArray(), some.bytes.ToArray());
    }

    [Fact]
    public void A_stretch_takes_no_more_than_it_has_room_for()
    {
        var span = Span(new HeadLayout(1, 1, 8), 20, null);
        Assert.Equal(32, span.Capacity);
        Assert.Equal(0, span.Extend(30));
        Assert.Equal(30, span.Extend(2));
        Assert.True(span.IsFull);
        Assert.Throws<InvalidOperationException>(() => span.Extend(1));
        Assert.Equal(32, Span(new HeadLayout(1, 1, 8), 1, span).Start);
    }

    private static Tensor Expected(Tensor qkv, HeadLayout layout, bool causal)
    {
        Tensor Part(int from, int heads) =>
            qkv.narrow(1, from * layout.Size, heads * layout.Size)
                .reshape(-1, heads, layout.Size)
                .transpose(0, 1)
                .repeat_interleave(layout.Heads / heads, 0)
                .unsqueeze(0)
                .to(ScalarType.Float64);
        return F.scaled_dot_product_attention(
                Part(0, layout.Heads),
                Part(layout.Heads, layout.KeyValueHeads),
                Part(layout.Heads + layout.KeyValueHeads, layout.KeyValueHeads),
                is_casual: causal
            )
            .squeeze(0)
            .transpose(0, 1)
            .reshape(-1, layout.OutputSize);
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((actual.to(ScalarType.Float64) - expected).abs().max().item<double>(), 0, 5e-6);
    }

    private Tensor Draw(HeadLayout layout, int length) => randn([length, layout.RowSize], generator: Generator);

    private KeyValueSpan Span(HeadLayout layout, int length, KeyValueSpan? before)
    {
        spans.Add(new KeyValueSpan(2, layout.KeyValueHeads, layout.Size, length, before));
        return spans[^1];
    }
}
