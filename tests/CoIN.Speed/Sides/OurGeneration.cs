using System.Diagnostics;
using CoIN.Models.Generation;
using CoIN.Models.Llava;
using CoIN.Speed.Sides;
using CoIN.Speed.Workloads;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed;

/// <summary>The product's evaluation of the base model.</summary>
internal sealed class OurGeneration(LlavaModel model, Workload workload, string folder) : ISideWork
{
    private readonly ImageLoader images = PixelFile.Open(workload, folder);

    public SideRun Run(string task, string how)
    {
        var questions = workload.Evaluation.Single(one => one.Name == task);
        var size = workload.EvaluationBatchSize;
        var rows = how == "warm" ? questions.Samples.Take(size).ToList() : questions.Samples;
        var clock = Stopwatch.StartNew();
        var answers = new List<IReadOnlyList<int>>();
        foreach (var batch in rows.Chunk(size))
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var features = model.Vision.Forward(images.Load([.. batch.Select(row => (row.Picture.ToString(), row.Picture.ToString()))], model.Device));
            answers.AddRange(GreedyGenerator.Generate(
                model, [.. batch.Select(row => new LlavaSequence(row.Ids, null))], features, null, questions.MaxNewTokens, null,
                lengths: [.. batch.Select(row => row.Answer)]));
        }

        return new SideRun(clock.Elapsed.TotalSeconds, null, answers);
    }

    public void Dispose()
    {
        // The model is the caller's.
    }
}
