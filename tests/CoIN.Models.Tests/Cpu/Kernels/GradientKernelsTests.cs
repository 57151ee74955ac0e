using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Tests.Cpu.Kernels;

/// <summary>Gradients by the kernels against those that libtorch's graph finds.</summary>
public sealed class GradientKernelsTests : KernelTests
{
    public static TheoryData<int, int, int> Shapes { get; } =
    [
        .. from rows in new[] { 1, 6, 33, 500 }
        from length in new[] { 1, 16, 300, 700 }
        from columns in new[] { 1, 16, 48, 64, 203 }
        select (rows, length, columns),
    ];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_panel_product_is_libtorchs_in_every_layout(int rows, int length, int columns)
    {
        Tensor x = Draw(rows, length),
            w = Draw(length, columns),
            start = Draw(rows, columns);
        Tensor turnedX = x.t().contiguous(),
            turnedW = w.t().contiguous();
        var product = x.to(ScalarType.Float64).matmul(w.to(ScalarType.Float64));

        var plain = empty(rows, columns);
        PanelProduct.Run(MatrixView.Of(x), MatrixView.Of(w), MatrixView.Of(plain), adds: false);
        Close(product, plain);
        var added = start.clone();
        PanelProduct.Run(MatrixView.Of(turnedX).Transposed, MatrixView.Of(turnedW).Transposed, MatrixView.Of(added), adds: true);
        Close(product + start, added);
        var turned = start.t().contiguous().clone();
        PanelProduct.Run(MatrixView.Of(x), MatrixView.Of(w), MatrixView.Of(turned).Transposed, adds: true, scale: 0.5f);
        Close((product * 0.5) + start, turned.t());
    }

    [Theory]
    [InlineData(33, 300, 203)]
    [InlineData(7, 16, 64)]
    public void What_is_dropped_counts_as_zero(int rows, int length, int columns)
    {
        Tensor x = Draw(rows, length),
            w = Draw(length, columns),
            start = Draw(rows, columns);
        Tensor dropsY = Draw(rows, columns).gt(0),
            dropsW = Draw(length, columns).gt(0);
        var y = start.clone();
        PanelProduct.Run(MatrixView.Of(x), MatrixView.Of(w), MatrixView.Of(y), adds: true, scale: 2, dropsY, dropsW);
        Close(start + (x.to(ScalarType.Float64).matmul(w.masked_fill(dropsW, 0).to(ScalarType.Float64)) * 2).masked_fill(dropsY, 0), y);
        Assert.Equal(w.masked_fill(dropsW, 0).bytes.ToArray(), RowKernels.Drop(w, dropsW).bytes.ToArray());
    }

    [Fact]
    public void Products_of_sizes_that_do_not_fit_are_refused()
    {
        Tensor x = Draw(2, 3),
            w = Draw(4, 5),
            y = Draw(2, 5);
        Assert.Throws<ArgumentException>(() => PanelProduct.Run(MatrixView.Of(x), MatrixView.Of(w), MatrixView.Of(y), adds: false));
        Assert.Throws<ArgumentException>(() => MatrixProduct.Run(MatrixView.Of(x), MatrixView.Of(w), MatrixView.Of(y)));
    }

    [Fact]
    public void A_part_of_a_matrix_is_multiplied_where_it_lies()
    {
        Tensor x = Draw(40, 96),
            w = Draw(30, 48),
            y = zeros(40, 50);
        MatrixProduct.Run(MatrixView.Of(x).ColumnRange(16, 48), MatrixView.Of(w).RowRange(3, 20), MatrixView.Of(y).ColumnRange(7, 20));
        Close(x.narrow(1, 16, 48).to(ScalarType.Float64).matmul(w.narrow(0, 3, 20).t().to(ScalarType.Float64)), y.narrow(1, 7, 20));
        Assert.Equal(0, (y.narrow(1, 0, 7).abs().sum() + y.narrow(1, 27, 23).abs().sum()).item<float>());
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(70, 48)]
    [InlineData(70, 1000)]
    public void Gradients_of_rows_are_libtorchs(long rows, long size)
    {
        Tensor x = Draw(rows, size).requires_grad_(),
            weight = Draw(size),
            gradient = Draw(rows, size),
            start = Draw(rows, size);
        RmsNorm.Forward(x, weight, 1e-5).backward([gradient]);
        var sum = start.clone();
        RowGradients.AddRmsNorm(x.detach(), weight, 1e-5, gradient, sum);
        Close(x.grad!.to(ScalarType.Float64) + start, sum);

        var both = Draw(rows, 2 * size).requires_grad_();
        (F.silu(both.narrow(1, 0, size)) * both.narrow(1, size, size)).backward([gradient]);
        var place = both.detach().clone();
        RowGradients.SwiGlu(place, gradient);
        Close(both.grad!.to(ScalarType.Float64), place);
    }

    [Theory]
    [InlineData(3, 7)]
    [InlineData(20, 32000)]
    public void Cross_entropy_and_its_gradient_are_libtorchs(long rows, long vocabulary)
    {
        var logits = (Draw(rows, vocabulary) * 5).requires_grad_();
        var targets = randint(0, vocabulary, [rows], generator: Generator);
        var exact = F.cross_entropy(logits.to(ScalarType.Float64), targets, reduction: nn.Reduction.Sum);
        (exact * 0.25).backward();
        var place = logits.detach().clone();
        Assert.Equal(exact.item<double>(), RowGradients.CrossEntropy(place, targets.data<long>().ToArray(), 0.25f), 1e-4);
        Assert.InRange((place - logits.grad!).abs().max().item<float>(), 0, 1e-6);
    }

    /// <summary>Heads, key/value heads, size of a head, and the sequences' lengths.</summary>
    public static TheoryData<int, int, int, int[]> Layouts { get; } =
    [(4, 4, 64, [150, 7]), (4, 2, 32, [67, 1, 100]), (6, 2, 8, [40]), (2, 1, 20, [16, 17]), (2, 2, 128, [33]), (2, 2, 80, [5, 60])];

    [Theory]
    [MemberData(nameof(Layouts))]
    public void The_gradient_of_attention_is_libtorchs(int heads, int keyValueHeads, int size, int[] lengths)
    {
        foreach (var all in new[] { true, false })
        {
            using var inner = NewDisposeScope();
            var layout = new HeadLayout(heads, keyValueHeads, size);
            using var rotary = new Rotary(200, size, 10000, ScalarType.Float32, CPU);
            var qkv = Draw(lengths.Sum(), layout.RowSize).requires_grad_();
            List<Tensor> expected = [];
            List<AttendedSequence> sequences = [];
            int from = 0,
                row = 0;
            foreach (var length in lengths)
            {
                // Some queries: every third position, and the last two.
                var queries = Enumerable.Range(0, length).Where(i => all || i % 3 == 0 || i >= length - 2).ToList();
                expected.Add(
                    Attended(qkv.narrow(0, from, length), layout, rotary).index_select(0, tensor(queries.Select(i => (long)i).ToArray()))
                );
                sequences.Add(new AttendedSequence(from, length, queries, row));
                from += length;
                row += queries.Count;
            }

            var gradient = Draw(row, layout.OutputSize);
            cat(expected, 0).backward([gradient]);
            using var noGrad = no_grad();
            var rotated = qkv.detach().clone();
            var logSums = empty(row, heads);
            var attended = Forward(rotated, layout, sequences, rotary, logSums);
            Close(cat(expected, 0).to(ScalarType.Float64), attended);
            Close(
                qkv.grad!.to(ScalarType.Float64),
                AttentionGradient.Run(
                    rotated,
                    attended,
                    logSums,
                    gradient,
                    layout,
                    sequences,
                    new RotationTable(rotary.All.Cos, rotary.All.Sin)
                )
            );
        }
    }

    [Fact]
    public void Rows_and_columns_of_a_square_are_exchanged()
    {
        Tensor from = Draw(16, 40),
            to = zeros(16, 20);
        unsafe
        {
            Transposition.Square(TensorMemory.Address(from) + 3, 40, TensorMemory.Address(to), 20);
        }

        Assert.Equal(from.narrow(1, 3, 16).t().contiguous().bytes.ToArray(), to.narrow(1, 0, 16).contiguous().bytes.ToArray());
    }

    private static Tensor Forward(Tensor qkv, HeadLayout layout, List<AttendedSequence> sequences, Rotary rotary, Tensor logSums)
    {
        var spans = sequences.Select(one => new KeyValueSpan(1, layout.KeyValueHeads, layout.Size, one.Length, null)).ToList();
        var all = sequences.Zip(spans, (one, span) => new NewPositions(one.From, one.Length, span, span.Extend(one.Length))).ToList();
        Attention.Store(qkv, layout, all, layer: 0, new RotationTable(rotary.All.Cos, rotary.All.Sin));
        var queries = sequences
            .Zip(spans)
            .SelectMany(pair => pair.First.Queries.Select(i => new NewPositions(pair.First.From + i, 1, pair.Second, i)))
            .ToList();
        var attended = Attention.Attend(qkv, layout, queries, layer: 0, causal: true, logSums);
        spans.ForEach(span => span.Dispose());
        return attended;
    }

    private static Tensor Attended(Tensor qkv, HeadLayout layout, Rotary rotary)
    {
        var rotation = rotary.At(arange(qkv.size(0)));
        Tensor Part(int from, int heads, bool rotates)
        {
            var part = qkv.narrow(1, from * layout.Size, heads * layout.Size).reshape(-1, heads, layout.Size);
            return (rotates ? Rotary.Apply(part, rotation) : part).transpose(0, 1).repeat_interleave(layout.Heads / heads, 0).unsqueeze(0);
        }

        return F.scaled_dot_product_attention(
                Part(0, layout.Heads, true),
                Part(layout.Heads, layout.KeyValueHeads, true),
                Part(layout.Heads + layout.KeyValueHeads, layout.KeyValueHeads, false),
                is_casual: true
            )
            .squeeze(0)
            .transpose(0, 1)
            .reshape(-1, layout.OutputSize);
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange(
            (actual.to(ScalarType.Float64) - expected).abs().max().item<double>(),
            0,
            2e-5 * Math.Max(1, expected.abs().max().item<double>())
        );
    }

    private Tensor Draw(params long[] shape) => randn(shape, generator: Generator);
}
