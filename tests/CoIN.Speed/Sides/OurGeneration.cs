using System.Diagnostics;
using CoIN.Models.Computing;
using CoIN.Models.Generation;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Speed.Workloads;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Speed.Sides;

/// <summary>The product's evaluation of the base model.</summary>
internal sealed class OurGeneration(IPictureModel model, Workload workload, string folder) : ISideWork
{
    private readonly ImageLoader images = PixelFile.Open(workload, folder);
    private FeatureCache features = new(model);

    public SideRun Run(string task, string how)
    {
        if (how != "again")
        {
            features.Dispose();
            features = new FeatureCache(model);
        }

        var questions = workload.Evaluation.Single(one => one.Name == task);
        var size = workload.EvaluationBatchSize;
        var rows = how == "warm" ? questions.Samples.Take(size).ToList() : questions.Samples;
        var place = SpeedFamily.Of(workload.Family).Place(workload.ImageTokens);
        var clock = Stopwatch.StartNew();
        var answers = new List<IReadOnlyList<int>>();
        foreach (var batch in rows.Chunk(size))
        {
            using var scope = NewDisposeScope();
            var pictures = batch.Select(row => row.Picture.ToString()).Distinct().ToList();
            answers.AddRange(
                GreedyGenerator.Generate(
                    model,
                    new GenerationRequest(
                        [
                            .. batch.Select(row => new TokenSequence(
                                [.. row.Ids.Select(id => id == SequenceBatch.ImagePlaceholder ? place : id)],
                                null
                            )),
                        ],
                        features.Of(pictures, i => images.Load(pictures[i], pictures[i], model.Language.Device), long.MaxValue),
                        questions.MaxNewTokens
                    )
                    {
                        Pictures = [.. batch.Select(row => pictures.IndexOf(row.Picture.ToString()))],
                        Lengths = [.. batch.Select(row => row.Answer)],
                    },
                    adapter: null
                )
            );
        }

        DeviceWork.Await(model.Language.Device);
        return new SideRun(clock.Elapsed.TotalSeconds, null, answers);
    }

    public void Dispose() => features.Dispose();
}
