using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Computing;
using CoIN.Models.Imaging;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Generation;

/// <summary>
/// Pictures of test samples: read on other threads while the batch before is answered, looked at by the tower once as long as memory
/// allows, and once in a batch however many questions are about them.
/// </summary>
/// <param name="always">Whether a sample without a picture is shown an empty one.</param>
internal sealed class TestPictures(ExperimentOptions options, ImageLoader images, FeatureCache features, bool always = false) : IDisposable
{
    private readonly Dictionary<string, Task<Tensor>> reading = new(StringComparer.Ordinal);

    /// <summary>Begins to read the pictures that will be needed.</summary>
    public void Prepare(IReadOnlyList<TestSample> samples)
    {
        foreach (var (sample, image) in Shown(samples).DistinctBy(Place))
        {
            if (!reading.ContainsKey(image ?? "") && !features.Has(Key(image)))
            {
                reading[image ?? ""] = Task.Run(() => Read(sample, image));
            }
        }
    }

    /// <summary>Features of the samples' pictures, each picture once.</summary>
    /// <returns>The features, null without pictures, and the rows of the samples' pictures, one sample's after the other's.</returns>
    /// <exception cref="Benchmark.CoinException">A picture cannot be read; the message names sample and file.</exception>
    public (PictureFeatures? Features, IReadOnlyList<int> Rows) Features(IReadOnlyList<TestSample> samples)
    {
        var shown = Shown(samples).ToList();
        var distinct = shown.DistinctBy(Place).ToList();
        if (distinct.Count == 0)
        {
            return (null, []);
        }

        var rows = distinct
            .Select((one, row) => (Place: Place(one), row))
            .ToDictionary(pair => pair.Place, pair => pair.row, StringComparer.Ordinal);
        var all = features.Of(
            [.. distinct.Select(one => Key(one.Image))],
            i => Pixels(distinct[i].Sample, distinct[i].Image),
            options.Evaluation.FeatureCache * 1024L * 1024L
        );
        return (all, [.. shown.Select(one => rows[Place(one)])]);
    }

    public void Dispose()
    {
        foreach (var task in reading.Values)
        {
            // Whether or not it could be read: nobody asked for it in the end.
            task.ContinueWith(
                read => read.Result.Dispose(),
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default
            );
        }

        reading.Clear();
    }

    /// <summary>The pictures that samples are shown; null for the empty one.</summary>
    private IEnumerable<(TestSample Sample, string? Image)> Shown(IEnumerable<TestSample> samples) =>
        samples.SelectMany(sample => always ? sample.Images.DefaultIfEmpty<string?>() : sample.Images, (sample, image) => (sample, image));

    /// <summary>What tells pictures apart; nothing for the empty one.</summary>
    private static string Place((TestSample Sample, string? Image) shown) => shown.Image ?? "";

    /// <summary>A picture's path with what changes when its file does.</summary>
    private string Key(string? image)
    {
        if (image is null)
        {
            return "";
        }

        var file = new FileInfo(Path.Combine(options.Data.Images, image));
        return file.Exists ? $"{file.FullName}|{file.Length}|{file.LastWriteTimeUtc.Ticks}" : file.FullName;
    }

    private Tensor Pixels(TestSample sample, string? image)
    {
        var pixels = reading.Remove(image ?? "", out var task) ? task.GetAwaiter().GetResult() : Read(sample, image);
        using (pixels)
        {
            return features.Device.type == DeviceType.CPU ? pixels.clone() : Uploads.To(pixels, features.Device);
        }
    }

    /// <summary>In main memory, and of no dispose scope: read on a thread of its own.</summary>
    private Tensor Read(TestSample sample, string? image)
    {
        using var scope = NewDisposeScope();
        return images.Load(sample.QuestionId, image, CPU).DetachFromDisposeScope();
    }
}
