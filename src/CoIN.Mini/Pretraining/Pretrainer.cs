using System.Collections.Concurrent;
using System.Diagnostics;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using CoIN.Models.Computing;
using CoIN.Models.Generation;
using CoIN.Models.Sequences;
using CoIN.Models.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Mini.Pretraining;

/// <summary>Settings of a pre-training.</summary>
/// <param name="Steps">Optimizer steps.</param>
/// <param name="BatchSize">Samples per step.</param>
/// <param name="LearningRate">Peak of the cosine schedule.</param>
/// <param name="Threads">Compute threads.</param>
/// <param name="From">A model folder to go on from; null to begin with random weights.</param>
/// <param name="SnapshotEvery">Steps between snapshots of the model folder.</param>
/// <param name="Family">One of <see cref="MiniModel.Families"/>; null for the first.</param>
public sealed record PretrainingOptions(
    int Steps = 8_000,
    int BatchSize = 64,
    double LearningRate = 2e-3,
    int Seed = 1,
    int Threads = 2,
    string? From = null,
    int SnapshotEvery = 500,
    string? Family = null
);

/// <summary>
/// Pre-trains a miniature model, all weights at once, on the corpus of full sentences. What it writes is an ordinary model's folder.
/// </summary>
internal sealed class Pretrainer : IDisposable
{
    // Corpus positions that training never reaches.
    private const long HeldOut = 1L << 40;
    private const long ShardBytes = 1_400_000;
    private const double WarmupRatio = 0.02;

    private readonly PretrainingOptions options;
    private readonly string folder;
    private readonly Action<string> say;
    private readonly MiniSubject subject;
    private readonly IPictureModel model;
    private readonly MiniTokenizer tokenizer;
    private readonly PretrainingCorpus corpus;

    public Pretrainer(PretrainingOptions options, IMiniFamily family, string folder, Action<string> say)
    {
        (this.options, this.folder, this.say) = (options, folder, say);
        subject = family.Open(folder, say);
        model = subject.Model;
        tokenizer = new MiniTokenizer(subject);
        corpus = new PretrainingCorpus(options.Seed);
    }

    /// <summary>Trains to the end and writes the folder.</summary>
    public void Run(CancellationToken stop)
    {
        set_num_threads(options.Threads);
        var parameters = subject.Parameters.ToList();
        parameters.ForEach(parameter => parameter.requires_grad_(true));
        say($"{parameters.Sum(parameter => parameter.numel()):n0} parameters, {options.Steps} steps of {options.BatchSize} samples");
        using var optimizer = new FusedAdamW([new ParameterGroup(parameters, options.LearningRate)], 0.9, 0.98, 1e-8, 0.01);
        var schedule = new LearningRateSchedule(Schedule.Cosine, options.Steps, (int)(options.Steps * WarmupRatio));
        using var batches = new BlockingCollection<Drawn>(4);
        using var drawing = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var producer = Task.Run(() => Draw(batches, drawing.Token), drawing.Token);
        var clock = Stopwatch.StartNew();
        double mean = 0;
        for (var step = 0; step < options.Steps && !stop.IsCancellationRequested; step++)
        {
            var loss = Step(batches.Take(stop), optimizer, schedule.Multiplier(step));
            mean = step == 0 ? loss : (0.98 * mean) + (0.02 * loss);
            if ((step + 1) % 100 == 0)
            {
                say($"step {step + 1}/{options.Steps}  loss {mean:f4}  {(step + 1) / clock.Elapsed.TotalSeconds:f2} steps/s");
            }

            if ((step + 1) % options.SnapshotEvery == 0 && step + 1 < options.Steps)
            {
                Write();
                Test(240);
            }
        }

        drawing.Cancel();
        Write();
        Test(options.Steps < options.SnapshotEvery ? 80 : 800);
        say($"written to {folder} after {clock.Elapsed:h\\:mm\\:ss}");
        producer
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)
            .Wait(CancellationToken.None);
    }

    public void Dispose() => model.Dispose();

    private double Step(Drawn drawn, FusedAdamW optimizer, double multiplier)
    {
        using var scope = NewDisposeScope();
        optimizer.ZeroGrad();
        using var batch = SequenceBatch.Create(drawn.Sequences, model.ImageTokens, model.Language.Config.MaxPositions, CPU);

        // All weights are trained, with the graph of the modules themselves.
        var embedded = model.Embed(batch, subject.Look(drawn.ToPixels(subject.ImageSize)));
        var hidden = model.Language.Forward(embedded, batch.Sequences, rows: batch.LabelledRows);
        var loss = nn.functional.cross_entropy(model.Language.Logits(hidden), batch.Targets);
        loss.backward();
        optimizer.Clip(optimizer.GradNorm(), 1);
        optimizer.Step(multiplier);
        return loss.item<float>();
    }

    private void Draw(BlockingCollection<Drawn> batches, CancellationToken stop)
    {
        try
        {
            for (long step = 0; step < options.Steps; step++)
            {
                batches.Add(Draw(step * options.BatchSize, options.BatchSize), stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The trainer has what it needs.
            return;
        }
    }

    private Drawn Draw(long first, int count)
    {
        var samples = new CorpusSample[count];
        Parallel.For(0, count, i => samples[i] = corpus.Draw(first + i));
        return new Drawn(samples, [.. samples.Select(tokenizer.Training)], tokenizer.Pixels(samples));
    }

    /// <summary>Says how many held-out sentences come out to the letter, by kind of knowledge.</summary>
    private void Test(int count)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var right = new SortedDictionary<string, (int Right, int Count)>(StringComparer.Ordinal);
        for (var first = 0; first < count; first += 80)
        {
            var drawn = Draw(HeldOut + first, Math.Min(80, count - first));
            var prompts = drawn.Samples.Select(sample => new TokenSequence(tokenizer.Prompt(sample), null)).ToList();
            var features = model.Features(drawn.ToPixels(subject.ImageSize));
            var answers = GreedyGenerator.Generate(
                model,
                new GenerationRequest(prompts, features, 60) { EndOfSequence = tokenizer.EndOfSequence },
                adapter: null
            );
            for (var i = 0; i < answers.Count; i++)
            {
                var (r, n) = right.GetValueOrDefault(drawn.Samples[i].Kind);
                right[drawn.Samples[i].Kind] = (r + (tokenizer.Decode(answers[i]).Trim() == drawn.Samples[i].Answer ? 1 : 0), n + 1);
            }
        }

        say(
            "held out, exact sentences: "
                + string.Join("  ", right.Select(pair => $"{pair.Key} {100.0 * pair.Value.Right / pair.Value.Count:f0}%"))
        );
    }

    /// <summary>
    /// Replaces the weights in the folder; what the model does not use (the tower's last layer) stays as it was initialized.
    /// </summary>
    private void Write()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var weights = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        using (var old = CheckpointFolder.Open(folder))
        {
            foreach (var name in old.Names)
            {
                weights[name] = old.Take(name, ScalarType.Float32, CPU, [.. old.Describe(name).Shape]);
            }
        }

        foreach (var (name, tensor) in subject.Named())
        {
            weights[name] = tensor.detach();
        }

        var settings = Directory
            .EnumerateFiles(folder)
            .Where(file =>
                Path.GetFileName(file) is var name
                && !name.EndsWith(".safetensors", StringComparison.Ordinal)
                && !name.EndsWith(".index.json", StringComparison.Ordinal)
            )
            .ToList();
        Durable.WriteFolder(folder, temporary =>
        {
            settings.ForEach(file => File.Copy(file, Path.Combine(temporary, Path.GetFileName(file))));
            ShardedCheckpoint.Write(temporary, weights, ShardBytes);
        });
    }

    /// <summary>One batch, ready for the model.</summary>
    private sealed record Drawn(IReadOnlyList<CorpusSample> Samples, IReadOnlyList<TokenSequence> Sequences, IReadOnlyList<float[]> Pixels)
    {
        public Tensor ToPixels(int size) => tensor(Pixels.SelectMany(pixels => pixels).ToArray(), [Pixels.Count, 3, size, size]);
    }
}
