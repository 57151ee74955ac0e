using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Methods;
using CoIN.Models.Tests.Golden;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

public sealed class LwfTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private static int Steps => (int)GoldenLlama.Meta["adamw"]!["steps"]!;

    private static LwfOptions Options =>
        new()
        {
            Lambda = (double)GoldenLlama.Meta["lambda"]!,
            Temperature = 2,
            Samples = (int)GoldenLlama.Meta["samples"]!["saved"]!,
        };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Saved_logits_and_steps_that_imitate_some_of_them_are_the_reference_s(bool kernels)
    {
        using var golden = new GoldenLlama(kernels);
        var taught = golden.Train("taught", new Lwf(Options), "saved", GoldenFolder.Of("methods-llama", "star1"), steps: 0);
        using (var found = new SafetensorsFile(Path.Combine(taught, AdapterFiles.MethodTensors)))
        {
            var expected = GoldenFolder.Tensors("methods-llama", "lwf.safetensors");
            Assert.InRange(GoldenFolder.Difference(expected["saved.teacher_logits"], found.Read("logits.0000")), 0, 1e-4);
            var rows = expected["saved.row"].data<long>().ToArray();
            Assert.Equal(
                Enumerable.Range(0, Options.Samples).Select(row => (long)rows.Count(one => one == row)),
                found.Read("labelled.0000").data<long>().ToArray()
            );
        }

        var drawn = GoldenLlama.Meta["saved_drawn_in_step"]!.Select(step => step.Select(one => (int)one).ToList()).ToList();
        var method = new Lwf(Options with { Samples = (int)GoldenLlama.Meta["samples"]!["new"]! }) { DrawnInStep = step => drawn[step] };
        var folder = golden.Train("student", method, "new", golden.With("theta", taught), Steps, stage: 2);
        GoldenLlama.AssertTrained(GoldenLlama.Expected("lwf.safetensors", "saved.final."), folder);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_token_mean_the_teacher_weighs_every_token_of_a_step_alike(bool kernels)
    {
        using var tiny = new TinyStage();

        // Answers of one to eleven tokens: then the mean of means is another number.
        IReadOnlyList<TrainingSample> samples =
        [
            .. Enumerable
                .Range(0, 6)
                .Select(i => new TrainingSample($"s{i}", null, [new("human", "a b"), new("gpt", "abcdefabcdef"[..((2 * i) + 1)])])),
        ];
        double Norm(int batch, int accumulation, LossMean loss, double lambda)
        {
            var options = tiny.Options with
            {
                Lora = tiny.Options.Lora with { Dropout = 0 },
                Training = tiny.Options.Training with { Loss = loss, BatchSize = batch, GradientAccumulation = accumulation },
            };
            var method = new Lwf(new LwfOptions { Teacher = LwfTeacher.NewTask, Lambda = lambda });
            using var session = tiny.Open(kernels, method, options, stage: 2, adapter: "taught", samples: samples);

            // At the first step the student is its teacher.
            session.NextStep();
            return session.NextStep().GradNorm;
        }

        tiny.Train("taught", 3, kernels, new Lwf(new LwfOptions { Teacher = LwfTeacher.NewTask }));
        var whole = Norm(6, 1, LossMean.MicroBatchMean, 2000);
        Assert.Equal(whole, Norm(2, 3, LossMean.TokenMean, 2000), 1e-3 * whole);
        Assert.NotEqual(whole, Norm(2, 3, LossMean.MicroBatchMean, 2000), 1e-2 * whole);
        Assert.NotEqual(whole, Norm(6, 1, LossMean.MicroBatchMean, 0), 1e-2 * whole);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Steps_that_imitate_a_teacher_on_the_new_task_are_the_reference_s(bool kernels)
    {
        using var golden = new GoldenLlama(kernels);
        var options = Options with { Teacher = LwfTeacher.NewTask };
        var taught = golden.Train("taught", new Lwf(options), "old1", GoldenFolder.Of("methods-llama", "star1"), steps: 0);
        Assert.False(File.Exists(Path.Combine(taught, AdapterFiles.MethodTensors)));
        var method = new Lwf(options);
        var folder = golden.Train("student", method, "new", golden.With("theta", taught), Steps, stage: 2, begun: () =>
        {
            // The reference's teacher is another adapter than that with which its stage begins.
            using var star = new SafetensorsFile(GoldenFolder.Of("methods-llama", "star1", AdapterFiles.Weights));
            foreach (var name in star.Names)
            {
                Assert.True(method.State.Tensors.Has($"teacher.{name}"));
                method.State.Tensors[$"teacher.{name}"] = star.Read(name);
            }
        });
        GoldenLlama.AssertTrained(GoldenLlama.Expected("lwf.safetensors", "new.final."), folder);
    }

    [Theory]
    [InlineData("float32", 0)]
    [InlineData("bfloat16", 4e-3)]
    [InlineData("float16", 5e-4)]
    public void Logits_are_saved_in_the_type_that_is_wanted(string dtype, double off)
    {
        using var golden = new GoldenLlama(false);
        var count = 0;
        string Taught(string type) =>
            golden.Train(
                $"of-{++count}",
                new Lwf(Options with { LogitsDtype = type, Samples = 3 }),
                "saved",
                GoldenFolder.Of("methods-llama", "star1"),
                steps: 0
            );
        using var exact = new SafetensorsFile(Path.Combine(Taught("float32"), AdapterFiles.MethodTensors));
        using var found = new SafetensorsFile(Path.Combine(Taught(dtype), AdapterFiles.MethodTensors));
        var logits = found.Read("logits.0000");
        Assert.Equal(dtype, logits.dtype.ToString().ToLowerInvariant());
        Assert.Equal(found.Read("labelled.0000").sum().item<long>(), logits.size(0));
        var difference = GoldenFolder.Difference(exact.Read("logits.0000"), logits);
        Assert.InRange(difference, 0, off * logits.abs().max().to(ScalarType.Float32).item<float>());
        Assert.Equal(off > 0, difference > 0);
    }

    [Fact]
    public void The_gradient_of_a_plain_network_is_the_reference_s()
    {
        var file = GoldenFolder.Tensors("coin-methods", "methods.safetensors");
        var scalars = GoldenFolder.Json("coin-methods", "scalars.json")["scalars"]!;
        var logits = file["lwf.saved_logits"];
        var count = (int)logits.size(0);
        using var method = new Lwf(
            new LwfOptions
            {
                Lambda = 1,
                Temperature = (double)scalars["temperature"]!,
                PerStep = count,
            }
        );
        method.State.Tensors["logits.0000"] = logits;
        method.State.Tensors["labelled.0000"] = ones(count, ScalarType.Int64);
        new KeptSamples(1, "old", [.. Enumerable.Range(0, count).Select(i => new TrainingSample($"{i}", null, []))]).AddTo(method.State);
        var drawn = method.Rehearsed(0);
        var weights = new[] { "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias" }.ToDictionary(
            name => name,
            name => file[$"theta.{name}"].requires_grad_(true)
        );
        var inner = tanh(nn.functional.linear(file["new.x"], weights["fc1.weight"], weights["fc1.bias"]));
        var student = nn.functional.linear(inner, weights["fc2.weight"], weights["fc2.bias"]);
        Tensor gradient;
        using (no_grad())
        {
            gradient = method.LogitsGradient(
                new MethodBatch(drawn, [.. drawn.Select(_ => 1)], true, () => throw new NotSupportedException()),
                new LabelledLogits(student.detach(), file["new.y"], 0, count)
            )!;
        }

        student.backward([gradient]);
        Assert.All(weights, pair => Assert.InRange(GoldenFolder.Difference(file[$"lwf.grad_kl.{pair.Key}"], pair.Value.grad!), 0, 1e-6));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_highest_logits_are_saved_with_what_falls_to_all_others(bool kernels)
    {
        using var golden = new GoldenLlama(kernels);
        string Taught(int k, string name) =>
            golden.Train(
                name,
                new Lwf(Options with { TopK = k, Samples = 3 }),
                "saved",
                GoldenFolder.Of("methods-llama", "star1"),
                steps: 0
            );
        using var whole = new SafetensorsFile(Path.Combine(Taught(0, "whole"), AdapterFiles.MethodTensors));
        using var highest = new SafetensorsFile(Path.Combine(Taught(5, "five"), AdapterFiles.MethodTensors));
        var logits = whole.Read("logits.0000");
        var places = highest.Read("places.0000");
        Assert.DoesNotContain("places.0000", whole.Names);
        Assert.Equal((ScalarType.Int32, logits.size(0), 5), (places.dtype, places.size(0), places.size(1)));
        Assert.Equal(0, GoldenFolder.Difference(logits.topk(5, 1).values, highest.Read("logits.0000")));
        Assert.Equal(0, GoldenFolder.Difference(logits.gather(1, places.to(ScalarType.Int64)), highest.Read("logits.0000")));

        // The probabilities of the highest and of all others are those of the whole softmax.
        var whole1 = nn.functional.softmax(logits.div(Options.Temperature), 1);
        var outcomes = nn.functional.softmax(
            cat([highest.Read("logits.0000").div(Options.Temperature), highest.Read("others.0000").unsqueeze(1)], 1),
            1
        );
        Assert.InRange(GoldenFolder.Difference(whole1.gather(1, places.to(ScalarType.Int64)), outcomes.narrow(1, 0, 5)), 0, 1e-6);
        Assert.InRange(GoldenFolder.Difference(1 - outcomes.narrow(1, 0, 5).sum(1), outcomes.select(1, 5)), 0, 1e-6);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(1000)]
    public void With_the_highest_logits_the_gradient_is_that_of_the_divergence_over_them_and_all_others_together(int k)
    {
        const int Vocabulary = 40,
            Count = 6;
        const double Temperature = 2,
            Lambda = 0.7;
        random.manual_seed(3);
        var teacher = randn(Count, Vocabulary) * 4;
        var student = (randn(Count, Vocabulary) * 4).requires_grad_(true);
        var (values, places) = teacher.topk(Math.Min(k, Vocabulary), 1);
        var rest = (teacher / Temperature).scatter(1, places, full_like(values, double.NegativeInfinity)).logsumexp(1);

        // By autograd: outcomes that no token is left for count for nothing.
        Tensor Coarse(Tensor all)
        {
            var p = nn.functional.softmax(all / Temperature, 1);
            var own = p.gather(1, places);
            return k >= Vocabulary ? own : cat([own, p.scatter(1, places, zeros_like(own)).sum(1, keepdim: true)], 1);
        }

        var (q, p) = (Coarse(teacher), Coarse(student));
        ((q * (q.log() - p.log())).sum() * Lambda / Count).backward();

        using var method = new Lwf(
            new LwfOptions
            {
                Lambda = Lambda,
                Temperature = Temperature,
                PerStep = Count,
                TopK = k,
            }
        )
        {
            DrawnInStep = _ => [.. Enumerable.Range(0, Count)],
        };
        method.State.Tensors["logits.0000"] = values;
        method.State.Tensors["places.0000"] = places.to(ScalarType.Int32);
        method.State.Tensors["others.0000"] = rest;
        Assert.InRange(GoldenFolder.Difference(student.grad!, Gradient(method)), 0, 1e-6);

        // All of the vocabulary are the whole teacher.
        using var whole = new Lwf(
            new LwfOptions
            {
                Lambda = Lambda,
                Temperature = Temperature,
                PerStep = Count,
            }
        )
        {
            DrawnInStep = _ => [.. Enumerable.Range(0, Count)],
        };
        whole.State.Tensors["logits.0000"] = teacher;
        Assert.Equal(k >= Vocabulary, GoldenFolder.Difference(Gradient(whole), Gradient(method)) < 1e-6);

        Tensor Gradient(Lwf lwf)
        {
            lwf.State.Tensors["labelled.0000"] = ones(Count, ScalarType.Int64);
            new KeptSamples(1, "old", [.. Enumerable.Range(0, Count).Select(i => new TrainingSample($"{i}", null, []))]).AddTo(lwf.State);

            // Every row stands for itself: the drawn order is the saved one.
            var drawn = lwf.Rehearsed(0);
            using var none = no_grad();
            return lwf.LogitsGradient(
                new MethodBatch(drawn, [.. drawn.Select(_ => 1)], true, () => throw new NotSupportedException()),
                new LabelledLogits(student.detach(), zeros(Count, ScalarType.Int64), 0, Count)
            )!;
        }
    }

    [Fact]
    public void A_saved_sample_that_is_tokenized_otherwise_now_is_told()
    {
        using var method = new Lwf(new LwfOptions());
        method.State.Tensors["logits.0000"] = zeros(2, 5);
        method.State.Tensors["labelled.0000"] = tensor(new[] { 2L });
        new KeptSamples(1, "old", [new TrainingSample("seven", null, [])]).AddTo(method.State);
        var drawn = method.Rehearsed(0);
        var fault = Assert.Throws<CoinException>(() =>
            method.LogitsGradient(
                new MethodBatch(drawn, [3], true, () => throw new NotSupportedException()),
                new LabelledLogits(zeros(3, 5), zeros(3), 0, 3)
            )
        );
        Assert.Contains("seven", fault.Message, StringComparison.Ordinal);
    }
}
