namespace CoIN.Benchmark.Data;

/// <summary>Makes sure before a run that the images of its samples are there, since a missing one would end it hours later.</summary>
public static class ImageFiles
{
    /// <summary>Looks for every image below the root; samples without image are passed over.</summary>
    /// <param name="root">The folder to which the image paths are relative.</param>
    /// <param name="images">Sample ids with their images' paths.</param>
    /// <exception cref="CoinException">
    /// The root or an image does not exist; the message names the first sample and file, and counts the others.
    /// </exception>
    public static void Check(string root, IEnumerable<(string SampleId, string? Image)> images) => Check(root, images, null);

    /// <inheritdoc cref="Check(string, IEnumerable{ValueTuple{string, string}})"/>
    /// <param name="exists">Whether an image is there, where somebody has looked already.</param>
    internal static void Check(string root, IEnumerable<(string SampleId, string? Image)> images, Func<string, bool>? exists)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        (string SampleId, string Path)? first = null;
        var missing = 0;
        foreach (var (sampleId, image) in images)
        {
            if (image is null || !seen.Add(image))
            {
                continue;
            }

            var path = Path.Combine(root, image);
            if (!(exists is null ? File.Exists(path) : exists(image)))
            {
                first ??= (sampleId, path);
                missing++;
            }
        }

        if (first is not var (sample, file))
        {
            return;
        }

        var further = missing > 1 ? $", and {missing - 1} further {(missing == 2 ? "image is" : "images are")} missing" : "";
        if (!Directory.Exists(root))
        {
            throw new CoinException(
                $"The image folder {root} does not exist; sample {sample} needs {file}{further}. Set data.images to the folder of the images."
            );
        }

        var likely = new LookAlikes(root).Clause(Path.GetRelativePath(root, file).Replace('\\', '/'));
        throw new CoinException(
            $"The image {file} of sample {sample} does not exist{likely}{further}. Put the images there, or correct data.images or the samples' paths."
        );
    }
}
