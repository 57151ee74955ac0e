using CoIN.Models.Imaging;
using CoIN.Models.Tests.Support;
using SkiaSharp;

namespace CoIN.Models.Tests.Imaging;

public sealed class ThumbnailsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_large_picture_is_made_smaller_and_keeps_its_shape()
    {
        var path = Picture("large.png", 640, 200);

        var small = Thumbnails.Make(path, 320)!;

        Assert.Equal(("image/jpeg", 320, 100), (small.MediaType, small.Width, small.Height));
        using var decoded = SKBitmap.Decode(small.Bytes);
        Assert.Equal((320, 100), (decoded.Width, decoded.Height));
        Assert.Equal(small.Bytes, Thumbnails.Make(path, 320)!.Bytes);
    }

    [Fact]
    public void A_tiny_picture_is_kept_without_loss()
    {
        var small = Thumbnails.Make(Picture("tiny.png", 48, 40), 320)!;

        Assert.Equal(("image/png", 48, 40), (small.MediaType, small.Width, small.Height));
        using var decoded = SKBitmap.Decode(small.Bytes);
        Assert.Equal(new SKColor(10, 200, 30), decoded.GetPixel(20, 20));
    }

    [Fact]
    public void A_picture_that_is_missing_or_damaged_is_left_out()
    {
        var path = Picture("damaged.png", 64, 64);
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..40]);

        Assert.Null(Thumbnails.Make(path, 320));
        Assert.Null(Thumbnails.Make(Path.Combine(folder.Path, "missing.png"), 320));
    }

    private string Picture(string name, int width, int height)
    {
        using var bitmap = new SKBitmap(width, height);
        bitmap.Erase(new SKColor(10, 200, 30));
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        var path = Path.Combine(folder.Path, name);
        File.WriteAllBytes(path, data.ToArray());
        return path;
    }
}
