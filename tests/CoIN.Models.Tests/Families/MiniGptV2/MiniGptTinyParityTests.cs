using CoIN.Benchmark.Data;
using CoIN.Models.Computing;
using CoIN.Models.Families.MiniGptV2;
using CoIN.Models.Libtorch;
using CoIN.Models.Modules;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using CoIN.Models.Tokenization;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Families.MiniGptV2;

/// <summary>Against CoIN's and MiniGPT-4's own modules.</summary>
[Trait("Category", "Parity")]
public sealed class MiniGptTinyParityTests : IDisposable
{
    private const string Name = "minigptv2-tiny";

    private readonly TemporaryFolder folder = new();
    private readonly MiniGptModel model;
    private readonly MiniGptPrompts prompts;
    private readonly ITextTokenizer tokenizer = LlamaTokenizers.Load(GoldenFolder.Of(Name, "llama"));
    private readonly JToken text = PromptFixtures.Read(Name, "text_cases.json");
    private readonly IReadOnlyDictionary<string, Tensor> expected = GoldenFolder.Tensors(Name, "expected.safetensors");
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly IDisposable noGrad = no_grad();

    public MiniGptTinyParityTests()
    {
        TinyMiniGpt.WriteGolden(GoldenFolder.Of(Name), folder.Of("model"));
        model = TinyMiniGpt.Load(folder.Of("model"), TestDevice.Device);
        prompts = TinyMiniGpt.Prompts(folder.Of("model"));
    }

    public void Dispose()
    {
        noGrad.Dispose();
        scope.Dispose();
        model.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tower_norm_and_projector_agree_with_the_reference(bool kernels)
    {
        var features = Reference.HiddenStates(model.Vision, expected["pixels"].There(), kernels)[^1];
        Near(expected["vit.features"], features, 1e-4, 1e-4);
        Near(expected["vit.ln_vision"], model.Norm.Forward(features), 1e-4, 1e-4);
        var backend = TrainingWays.Backend(kernels);
        var own = model.Joined(backend.Vision(model.Vision, expected["pixels"].There()));
        Assert.Equal([.. expected["image_embeds"].shape[..2], model.Config.ProjectorSizes[0]], own.shape);
        Near(expected["image_embeds"], backend.Project(model.Projector, own, ScalarType.Float32), 1e-4, 1e-4);
    }

    [Fact]
    public void Positions_of_another_size_agree_with_the_reference()
    {
        var (before, after) = (expected["pos_embed.before"][0], expected["pos_embed.after"][0]);
        Near(after, VisionTransformer.Resized(before, 1, (int)Math.Sqrt(after.size(0) - 1)), 1e-5, 1e-5);
    }

    [Fact]
    public void Texts_are_tokenized_as_in_the_reference()
    {
        Assert.All(text["tokenizer"]!, one => Assert.Equal(PromptFixtures.Ints(one["ids"]!), tokenizer.Encode((string)one["text"]!)));
        Assert.All(text["segments"]!, one =>
            Assert.Equal(
                PromptFixtures.Ints(one["ids"]!),
                [.. (bool)one["add_special_tokens"]! ? new[] { tokenizer.BeginOfSequence } : [], .. tokenizer.Encode((string)one["text"]!)]
            )
        );
    }

    [Fact]
    public void Conversations_and_questions_are_worded_as_in_the_reference()
    {
        var samples = Training();
        Assert.Equal(text["dataset_items"]!.Count(), samples.Count);
        foreach (var (item, sample) in text["dataset_items"]!.Zip(samples))
        {
            var mark = (string)item["connect_sym"]!;
            var rounds = ((string)item["text_input"]!).Split(mark).Zip(((string)item["text_output"]!).Split(mark));
            Assert.Equal(
                string.Concat(rounds.Select(round => $"<s>[INST] {round.First} [/INST]{round.Second}</s>")),
                prompts.TrainingPrompt(sample)
            );
        }

        Assert.Equal(
            text["eval_prompts"]!.Select(one => (string)one!),
            Questions().Select(sample => prompts.EvaluationPrompt(sample.Text, sample.Images.Count))
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Embeddings_labels_logits_and_loss_of_the_batch_agree_with_the_reference(bool kernels)
    {
        using var batch = SequenceBatch.Create([.. Training().Select(Sequence)], model.ImageTokens, 4096, TestDevice.Device);
        var mask = expected["train.attention_mask"].to(ScalarType.Bool);
        var embedded = model.Embed(batch, Features(expected["train.image_index"]));
        Near(expected["train.inputs_embeds"][mask], embedded, 1e-4, 1e-4);

        // Rows are not padded here: each position's place is the number of real ones in front of it.
        var place = (mask.flatten().to(ScalarType.Int64).cumsum(0) - 1).view(mask.shape);
        var labels = expected["train.labels"];
        var rows = expected["train.logit_index"].data<long>().ToArray().Chunk(2).ToList();
        var labelled = rows.Select(at => (Place: place[at[0], at[1]].item<long>(), Label: labels[at[0], at[1] + 1].item<long>()))
            .OrderBy(pair => pair.Place)
            .ToList();
        Assert.Equal(labelled.Select(pair => pair.Place), batch.LabelledRows.cpu().data<long>().ToArray());
        Assert.Equal(labelled.Select(pair => pair.Label), batch.Targets.cpu().data<long>().ToArray());
        var backend = TrainingWays.Backend(kernels);
        var hidden = model.Language.Forward(embedded, batch.Sequences);
        var at = tensor(rows.Select(one => place[one[0], one[1]].item<long>()).ToArray(), device: TestDevice.Device);
        Near(expected["train.logits_at_index"], backend.Logits(model.Language, hidden.index_select(0, at)), 5e-4, 1e-4);
        Assert.InRange(
            backend.Loss(model.Language, hidden.index_select(0, batch.LabelledRows), batch.Targets, 1).Loss.item<double>()
                - expected["train.loss"].item<float>(),
            -1e-4,
            1e-4
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Greedy_answers_of_unequal_prompts_agree_with_the_reference_together_and_one_by_one(bool kernels)
    {
        var questions = Questions();
        var features = Features(expected["gen.image_index"])!;
        var sequences = questions.Select(sample => new TokenSequence(prompts.Evaluation(sample.Text, sample.Images.Count), null)).ToList();
        using (var batch = SequenceBatch.Create(sequences, model.ImageTokens, 4096, TestDevice.Device))
        {
            Near(
                expected["gen.inputs_embeds"][expected["gen.attention_mask"].to(ScalarType.Bool)],
                model.Embed(batch, features),
                1e-4,
                1e-4
            );
        }

        var length = (int)expected["gen.tokens"].size(1);
        var wanted = Enumerable
            .Range(0, questions.Count)
            .Select(row =>
                expected["gen.tokens"]
                    [row]
                    .data<long>()
                    .ToArray()
                    .TakeWhile(id => id != tokenizer.EndOfSequence)
                    .Select(id => (int)id)
                    .ToList()
            )
            .ToList();
        var together = DecodingWays.Generate(
            model,
            new GenerationRequest(sequences, features, length) { EndOfSequence = prompts.EndOfSequence },
            kernels
        );
        Assert.Equal(wanted, together);
        for (var i = 0; i < questions.Count; i++)
        {
            var alone = new GenerationRequest([sequences[i]], features.narrow(0, i, 1), length) { EndOfSequence = prompts.EndOfSequence };
            Assert.Equal(wanted[i], DecodingWays.Generate(model, alone, kernels)[0]);
        }

        Assert.Equal(text["eval_answers"]!.Select(one => (string)one!), together.Select(ids => prompts.Decode(ids)));
    }

    [Fact]
    public void Pictures_together_have_the_features_that_each_has_alone()
    {
        Assert.SkipUnless(model.Backend is not LibtorchBackend, "libtorch promises no such thing.");
        var all = model.Features(expected["pixels"].There());
        for (var i = 0; i < all.size(0); i++)
        {
            Assert.True(all.narrow(0, i, 1).equal(model.Features(expected["pixels"].narrow(0, i, 1).There())).all().item<bool>());
        }
    }

    internal static void Near(Tensor wanted, Tensor found, double absolute, double relative)
    {
        Assert.Equal(wanted.shape, found.shape);
        found = found.cpu();
        var excess =
            (found.to(ScalarType.Float64) - wanted.to(ScalarType.Float64)).abs() - (wanted.to(ScalarType.Float64).abs() * relative);
        Assert.InRange(excess.max().item<double>(), double.NegativeInfinity, absolute);
    }

    private IReadOnlyList<TrainingSample> Training() => TrainingSamples.Read(Write("records"));

    private IReadOnlyList<TestSample> Questions() => TestSamples.Read(Write("eval_records"));

    private string Write(string key)
    {
        var path = folder.Of($"{key}.json");
        File.WriteAllText(path, text[key]!.ToString());
        return path;
    }

    private TokenSequence Sequence(TrainingSample sample)
    {
        var tokens = prompts.Training(sample);
        return new TokenSequence(tokens.Ids, tokens.Labels);
    }

    /// <summary>Features of pictures by their rows; of the empty one where the row is negative.</summary>
    private Tensor Features(Tensor index) =>
        model.Features(
            cat(
                    [
                        .. index
                            .data<long>()
                            .ToArray()
                            .Select(row => row < 0 ? zeros_like(expected["pixels"]).narrow(0, 0, 1) : expected["pixels"].narrow(0, row, 1)),
                    ],
                    0
                )
                .There()
        );
}
