using CoIN.Models.Computing;
using CoIN.Models.Cpu;
using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Families.Llava;
using CoIN.Models.Generation;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Generation;

/// <summary>Batches against the same prompts one by one, on a tiny model with random weights.</summary>
public sealed class GreedyGeneratorTests : IDisposable
{
    private const int Picture = SequenceBatch.ImagePlaceholder;
    private const int Longest = 80;

    private readonly TemporaryFolder folder = new();
    private readonly LlavaModel model;
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Tensor features;

    public GreedyGeneratorTests()
    {
        LlavaInitializer.Write(
            folder.Path,
            new LlavaConfig(
                new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                new DecoderConfig(32, 48, 2, 4, 2, 280, 1e-5, 10000, 128, false),
                -2,
                false
            ),
            279,
            1
        );
        model = LlavaCheckpoint.Load(folder.Path, ScalarType.Float32, CPU, _ => { });
        using var generator = new Generator(3, CPU);
        features = randn(2, 4, 16, generator: generator);
    }

    public void Dispose()
    {
        scope.Dispose();
        model.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Questions_about_one_picture_are_answered_together_as_one_by_one(bool kernels)
    {
        List<TokenSequence> prompts =
        [
            Prompt(1, 5, Picture, 7),
            Prompt(1, 9),
            Prompt(1, 5, Picture, 8, 9, 10),
            Prompt(1, 5, Picture, 8, 9),
            Prompt(1, 5, Picture, 11),
        ];
        List<int> pictures = [0, 0, 1, 0];
        List<int> lengths = [Longest, 3, 70, 2, 1];
        var steps = prompts.Select(_ => new List<float[]>()).ToList();
        var together = DecodingWays.Generate(
            model,
            new GenerationRequest(prompts, features, Longest)
            {
                Pictures = pictures,
                Lengths = lengths,
                Logits = Into(steps),
            },
            kernels
        );

        Assert.Equal(lengths, together.Select(answer => answer.Count));
        var picture = 0;
        for (var i = 0; i < prompts.Count; i++)
        {
            var alone = new List<List<float[]>> { new() };
            var own = prompts[i].Ids.Contains(Picture) ? features.narrow(0, pictures[picture++], 1) : null;
            var answer = DecodingWays.Generate(
                model,
                new GenerationRequest([prompts[i]], own, Longest) { Lengths = [lengths[i]], Logits = Into(alone) },
                kernels
            );
            Assert.Equal(answer[0], together[i]);
            for (var step = 0; step < lengths[i]; step++)
            {
                // The kernels promise the same bits in any company.
                var tolerance = kernels ? 0 : 1e-4;
                Assert.True(
                    alone[0][step].Zip(steps[i][step]).All(pair => Math.Abs(pair.First - pair.Second) <= tolerance),
                    $"prompt {i}, step {step}"
                );
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_answer_ends_where_the_model_has_no_position_left(bool kernels)
    {
        var prompt = Prompt([1, Picture, .. Enumerable.Range(3, 100)]);
        var answer = DecodingWays.Generate(model, new GenerationRequest([prompt], features.narrow(0, 0, 1), 1000), kernels);

        // 105 positions of the prompt; the last token is chosen at the last of 128 positions and needs none itself.
        Assert.Equal(128 - 105 + 1, answer[0].Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_answer_ends_before_the_token_that_ends_sequences(bool kernels)
    {
        var prompt = Prompt(1, 9);
        var free = DecodingWays.Generate(model, new GenerationRequest([prompt], null, 10), kernels)[0];
        var end = free[4];
        var ended = DecodingWays.Generate(model, new GenerationRequest([prompt], null, 10) { EndOfSequence = end }, kernels)[0];
        Assert.Equal(free.TakeWhile(id => id != end), ended);
        Assert.InRange(ended.Count, 0, 4);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void Prompts_that_there_is_no_room_for_begin_as_others_end(int positions)
    {
        Assert.SkipUnless(CpuKernels.Available, "The processor has no AVX-512.");
        List<TokenSequence> prompts =
        [
            Prompt(1, 5, Picture, 7),
            Prompt(1, 9),
            Prompt(1, 5, Picture, 8),
            Prompt(1, 5, Picture, 8, 9),
            Prompt(2, 9),
            Prompt(1, 5, Picture, 11),
        ];
        List<int> lengths = [50, 3, 9, 1, 40, 20];
        List<int> together = [];
        GenerationRequest Request() =>
            new(prompts, features, Longest)
            {
                Pictures = [0, 0, 1, 0],
                Lengths = lengths,
                Logits = (_, rows) => together.Add(rows.Count),
            };
        var all = DecodingWays.Generate(model, Request(), kernels: true);
        Assert.Equal(6, together.Max());

        together.Clear();
        using var batch = new KernelDecodingBatch(model, new CpuBackend(), Request(), keptPositions: positions);
        using var noGrad = no_grad();
        Assert.Equal(all, GreedyGenerator.Generate(batch, Request()));

        // Each row has room for its prompt and 32 tokens of its answer at least, in steps of 16.
        Assert.InRange(together.Max(), 1, positions == 1 ? 1 : 3);
    }

    private static TokenSequence Prompt(params int[] ids) => new(ids, null);

    private static Action<Tensor, IReadOnlyList<int>> Into(List<List<float[]>> steps) =>
        (scores, prompts) =>
        {
            for (var row = 0; row < prompts.Count; row++)
            {
                steps[prompts[row]].Add([.. scores[row].data<float>()]);
            }
        };
}
