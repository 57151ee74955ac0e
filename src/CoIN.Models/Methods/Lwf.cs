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
/// <para>
/// Of saved logits the k highest of a position may be kept (top-k), and of the others log Σ exp(t / T), one number. Teacher and student are
/// then compared as distributions over k + 1 outcomes, of which the last is "any other token": the teacher says how much falls to the
/// others together, and the student how that is spread among them. With k the whole vocabulary it is the divergence above.
/// </para>
/// </summary>
internal sealed class Lwf(LwfOptions options) : TrainingMethod
{
    private const string Logits = "logits.",
        Places = "places.",
        Others = "others.",
        Teacher = "teacher.",
        Learned = "Learned";

    // A student's probability of all others that is no more than this is none.
    private const double Least = 1e-30;

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
        if (!batch.Rehearsed && teacher is null)
        {
            return null;
        }

        var heat = Scalars.Of(1 / options.Temperature);
        var student = F.softmax(rows.Logits.mul(heat), 1);
        CheckDrawn(batch);
        return (
            batch.Rehearsed && options.TopK > 0
                ? FromHighest(student, rows, heat)
                : student.sub_(F.softmax(Wanted(batch, rows).mul(heat), 1))
        )
            .mul_(Scalars.Of(options.Lambda / options.Temperature))
            .div_(Scalars.Of(rows.Total));
    }

    private Tensor Wanted(MethodBatch batch, LabelledLogits rows) =>
        batch.Rehearsed ? OfSaved(Logits, rows).to(ScalarType.Float32) : teacher!.Logits(rows.First, rows.Logits.size(0));

    /// <summary>
    /// Student less teacher, where the teacher's probability of all tokens that are not among its highest is spread over them as the
    /// student's is.
    /// </summary>
    private Tensor FromHighest(Tensor student, LabelledLogits rows, Scalar heat)
    {
        var places = OfSaved(Places, rows).to(ScalarType.Int64);
        var k = places.size(1);
        var outcomes = F.softmax(cat([OfSaved(Logits, rows).to(ScalarType.Float32).mul(heat), OfSaved(Others, rows).unsqueeze(1)], 1), 1);
        var highest = student.gather(1, places);

        // Summed by themselves: 1 less the highest would lose them.
        var others = student.scatter(1, places, zeros_like(highest));
        var share = outcomes.narrow(1, k, 1).div(others.sum(1, keepdim: true).clamp_min(Scalars.Of(Least)));
        return others.mul(ones_like(share).sub(share)).scatter(1, places, highest.sub(outcomes.narrow(1, 0, k)));
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
        using var found = new NamedTensors();
        var lengths = new List<long>();
        for (var i = 0; i < kept.Count; i++)
        {
            var pass = new SamplePass(kept[i], i + 1, kept.Count) { Backward = false };
            yield return pass;
            lengths.Add(pass.Labelled);
            using var logits = pass.States!.Logits(0, pass.Labelled);
            Keep(logits, found, i);
        }

        var task = KeptSamples.In(State).Count;
        foreach (var part in new[] { Logits, Places, Others })
        {
            var all = found.Where(pair => pair.Key.StartsWith(part, StringComparison.Ordinal)).Select(pair => pair.Value).ToArray();
            if (all.Length > 0)
            {
                State.Tensors[$"{part}{task:0000}"] = cat(all, 0);
            }
        }

        State.Tensors[$"labelled.{task:0000}"] = tensor(lengths.ToArray());
        new KeptSamples(Stage.Number, Stage.Name, kept).AddTo(State);
    }

    /// <summary>What is saved of a sample's logits.</summary>
    private void Keep(Tensor logits, NamedTensors kept, int sample)
    {
        using var scope = NewDisposeScope();
        if (options.TopK == 0)
        {
            kept[$"{Logits}{sample:000000}"] = logits.to(dtype).to(CPU);
            return;
        }

        var (values, places) = logits.topk((int)Math.Min(options.TopK, logits.size(1)), 1);
        var others = logits
            .mul(Scalars.Of(1 / options.Temperature))
            .scatter(1, places, full_like(values, Scalars.Of(double.NegativeInfinity)));
        kept[$"{Logits}{sample:000000}"] = values.to(dtype).to(CPU);
        kept[$"{Places}{sample:000000}"] = places.to(ScalarType.Int32).to(CPU);
        kept[$"{Others}{sample:000000}"] = others.logsumexp(1).to(ScalarType.Float32).to(CPU);
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
                yield return new Saved(sample, place, first, labelled);
                first += labelled;
            }
        }
    }

    private void CheckDrawn(MethodBatch batch)
    {
        foreach (var (one, labelled) in batch.Rehearsed ? drawn.Zip(batch.Labelled).Where(pair => pair.First.Labelled != pair.Second) : [])
        {
            throw new CoinException(
                $"Stage {Stage.Number} ({Stage.Name}): the sample {one.Sample.Id} of a former stage has {labelled} tokens to learn, but logits "
                    + $"of {one.Labelled} are saved beside the adapter. Use the model.max-length, conversation and tokenizer of then."
            );
        }
    }

    /// <summary>What is saved of the rows' positions, as it is saved.</summary>
    private Tensor OfSaved(string part, LabelledLogits rows)
    {
        var all = cat([.. drawn.Select(one => State.Tensors[$"{part}{one.Task:0000}"].narrow(0, one.First, one.Labelled))], 0);
        return all.narrow(0, rows.First, rows.Logits.size(0)).to(rows.Logits.device);
    }

    /// <summary>A sample and where its logits are: among those of which finished task, from which row on, and how many rows.</summary>
    private sealed record Saved(TrainingSample Sample, int Task, long First, long Labelled);
}
