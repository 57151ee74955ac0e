using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>COCO's <c>instances.json</c>: images with sizes, annotations with boxes (x, y, width, height in pixels).</summary>
internal sealed class CocoInstances
{
    private readonly string path;
    private readonly Dictionary<long, (string File, int Width, int Height)> images = [];
    private readonly Dictionary<long, (long ImageId, double[] Box)> annotations = [];

    private CocoInstances(string path) => this.path = path;

    /// <summary>Reads images and annotations.</summary>
    public static CocoInstances Read(RawJson json)
    {
        var read = new CocoInstances(json.Path);
        foreach (
            var (list, entry) in json.Lists(
                null,
                ("images", "image", "id", ["file_name", "width", "height"]),
                ("annotations", "annotation", "id", ["image_id", "bbox"])
            )
        )
        {
            if (list == "images")
            {
                var size = (Width: entry.Integer("width"), Height: entry.Integer("height"));
                read.images[entry.Long("id")] = size is { Width: > 0, Height: > 0 }
                    ? (entry.Text("file_name"), size.Width, size.Height)
                    : throw entry.Fault("has a width or height that is not positive");
            }
            else
            {
                read.annotations[entry.Long("id")] = (
                    entry.Long("image_id"),
                    entry.Numbers("bbox") is { Length: 4 } box && box.All(double.IsFinite)
                        ? box
                        : throw entry.Fault("has no four numbers as \"bbox\"")
                );
            }
        }

        return read;
    }

    /// <summary>The box to which a reference refers.</summary>
    /// <param name="refs">The reference's file, for messages.</param>
    /// <param name="reference">The reference.</param>
    public PixelBox Box(string refs, Reference reference)
    {
        if (!annotations.TryGetValue(reference.AnnotationId, out var annotation))
        {
            throw Mismatch(refs, reference, $"annotation {reference.AnnotationId}");
        }

        if (annotation.ImageId != reference.ImageId)
        {
            throw new CoinException(
                $"{refs}, reference {reference.Id}: it is about image {reference.ImageId}, but its annotation {reference.AnnotationId} in {path} "
                    + $"is about image {annotation.ImageId}. Put both files of the same release there."
            );
        }

        if (!images.TryGetValue(reference.ImageId, out var image))
        {
            throw Mismatch(refs, reference, $"image {reference.ImageId}");
        }

        var box = annotation.Box;
        return new PixelBox(box[0], box[1], box[2], box[3], image.Width, image.Height);
    }

    /// <summary>The image's file name in COCO.</summary>
    public string FileOf(Reference reference) => images[reference.ImageId].File;

    private CoinException Mismatch(string refs, Reference reference, string missing) =>
        new(
            $"{refs}, reference {reference.Id}: it is about {missing}, which {path} does not have. Put both files of the same release there."
        );
}
