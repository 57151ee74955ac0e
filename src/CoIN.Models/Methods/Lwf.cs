using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Methods;
using CoIN.Models.Computing;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Methods;

/// <summary>
/// Learning without forgetting (Li and Hoiem 2016): the loss gains λ KL(softmax(t / T) ‖ softmax(s / T)), the mean over the labelled
/// positions of a micro-batch, t the teacher's logits and s the student's; without Hinton's factor T².
/// <para>
/// Saved: t are logits that the adapter at the end of each finished task gave to n samples of it, and every step has one more micro-batch
/// of some of them. New task: t are logits of the stage's own samples by the parameters with which the stage began, computed when a
/// micro-batch needs them.
/// </para>
/// </summary>
internal sealed class Lwf(LwfOptions options) : TrainingMethod
{
    private const string Logits = "logits.", Teacher = "teacher.", Learned = "Learned";

    private readonly ScalarType dtype = TorchNames.Dtype(options.LogitsDtype, "lwf.logits-dtype");
    private List<Saved>? saved;
    private IReadOnlyList<Saved> drawn = [];
    private LabelledStates? teacher;

    /// <summary>Which of the saved samples a step imitates; those that the seed draws unless a test has its own.</summary>
    internal Func<int, IReadOnlyList<int>>? DrawnInStep { get; init; }

    /// <inheritdoc/>
    public override Device StateDevice => options.Teacher == LwfTeacher.Saved ? CPU : Stage.Device;

    /// <inheritdoc/>
    public override IReadOnlyList<TrainingSample> Samples(IReadOnlyList<TrainingSample> samples)
    {
        if (options.Teacher == LwfTeacher.Saved)
        {
            KeptSamples.CheckCount(samples, options.Samples, LwfOptions.Key, Stage);
            _ = KeptSamples.Usable(State, Stage);
        }

        return samples;
    }

    /// <inheritdoc/>
    public override void BeginStage()
    {
        if (options.Teacher == LwfTeacher.NewTask && State.Values[Learned] is not null)
        {
            foreach (var parameter in Parameters)
            {
                State.Tensors[Teacher + parameter.Name] = parameter.Value;
            }
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyList<TrainingSample> Rehearsed(int step)
    {
        if (options.Teacher != LwfTeacher.Saved || options.Lambda == 0)
        {
            return [];
        }

        saved ??= [.. Read()];
        drawn = DrawnInStep?.Invoke(step).Select(i => saved[i]).ToList()
            ?? Subset.Draw(saved, options.PerStep, Stage.SeedOf(Draws.Rehearsed, step));
        return [.. drawn.Select(one => one.Sample)];
    }

    /// <inheritdoc/>
    public override void BeforeBatch(MethodBatch batch)
    {
        if (batch.Rehearsed || options.Teacher != LwfTeacher.NewTask || options.Lambda == 0 || State.Tensors.Count == 0)
        {
            return;
        }

        teacher?.Dispose();
        var own = Parameters.Select(parameter => parameter.Value.clone()).ToList();
        foreach (var parameter in Parameters)
        {
            parameter.Value.copy_(State.Tensors[Teacher + parameter.Name]);
        }

        teacher = batch.Forward();
        foreach (var (parameter, value) in Parameters.Zip(own))
        {
            parameter.Value.copy_(value);
        }
    }

    /// <inheritdoc/>
    public override Tensor? LogitsGradient(MethodBatch batch, LabelledLogits rows)
    {
        var wanted = batch.Rehearsed ? OfSaved(batch, rows) : teacher?.Logits(rows.First, rows.Logits.size(0));
        if (wanted is null)
        {
            return null;
        }

        var heat = Scalars.Of(1 / options.Temperature);
        return F.softmax(rows.Logits.mul(heat), 1).sub_(F.softmax(wanted.mul(heat), 1))
            .mul_(Scalars.Of(options.Lambda / options.Temperature)).div_(Scalars.Of(rows.Total));
    }

    /// <inheritdoc/>
    public override IEnumerable<SamplePass> EndStage(IReadOnlyList<TrainingSample> samples)
    {
        if (options.Teacher == LwfTeacher.NewTask)
        {
            // The next stage's teacher is the adapter with which it begins.
            State.Tensors.Clear();
            State.Values[Learned] = ((int?)State.Values[Learned] ?? 0) + 1;
            yield break;
        }

        var kept = KeptSamples.Draw(samples, options.Samples, Stage, Draws.Kept);
        using var logits = new NamedTensors();
        var lengths = new List<long>();
        for (var i = 0; i < kept.Count; i++)
        {
            var pass = new SamplePass(kept[i], i + 1, kept.Count) { Backward = false };
            yield return pass;
            lengths.Add(pass.Labelled);
            using var found = pass.States!.Logits(0, pass.Labelled);
            logits[$"{i:000000}"] = found.to(dtype).to(CPU);
        }

        var task = KeptSamples.In(State).Count;
        State.Tensors[$"{Logits}{task:0000}"] = cat([.. logits.Select(pair => pair.Value)], 0);
        State.Tensors[$"labelled.{task:0000}"] = tensor(lengths.ToArray());
        new KeptSamples(Stage.Number, Stage.Name, kept).AddTo(State);
    }

    public override void Dispose()
    {
        teacher?.Dispose();
        base.Dispose();
    }

    /// <summary>The saved samples of all tasks with their places.</summary>
    private IEnumerable<Saved> Read()
    {
        foreach (var (task, place) in KeptSamples.In(State).Select((task, place) => (task, place)))
        {
            var first = 0L;
            foreach (var (sample, labelled) in task.Samples.Zip(State.Tensors[$"labelled.{place:0000}"].data<long>().ToArray()))
            {
                yield return new Saved(sample, $"{Logits}{place:0000}", first, labelled);
                first += labelled;
            }
        }
    }

    private Tensor OfSaved(MethodBatch batch, LabelledLogits rows)
    {
        foreach (var (one, labelled) in drawn.Zip(batch.Labelled).Where(pair => pair.First.Labelled != pair.Second))
        {
            throw new CoinException(
                $"Stage {Stage.Number} ({Stage.Name}): the sample {one.Sample.Id} of a former stage has {labelled} tokens to learn, but logits " +
                $"of {one.Labelled} are saved beside the adapter. Use the model.max-length, conversation and tokenizer of then.");
        }

        var all = cat([.. drawn.Select(one => State.Tensors[one.Tensor].narrow(0, one.First, one.Labelled))], 0);
        return all.narrow(0, rows.First, rows.Logits.size(0)).to(rows.Logits.device).to(ScalarType.Float32);
    }

    /// <summary>A sample and where its logits are.</summary>
    private sealed record Saved(TrainingSample Sample, string Tensor, long First, long Labelled);
}
