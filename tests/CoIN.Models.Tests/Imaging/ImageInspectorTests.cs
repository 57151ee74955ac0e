using CoIN.Benchmark.Data;
using CoIN.Models.Imaging;
using CoIN.Models.Tests.Support;
using SkiaSharp;

namespace CoIN.Models.Tests.Imaging;

public sealed class ImageInspectorTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly ImageInspector inspector = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg, "JPEG", ".jpg")]
    [InlineData(SKEncodedImageFormat.Png, "PNG", ".png")]
    [InlineData(SKEncodedImageFormat.Webp, "WebP", ".webp")]
    public void A_whole_image_has_format_size_and_content(SKEncodedImageFormat encoder, string format, string extension)
    {
        var facts = Inspect(ImageBytes.Encoded(encoder));

        Assert.Equal(
            (ImageState.Whole, null, format, ImageTraits.None, 64, 64),
            (facts.State, facts.Trouble, facts.Format, facts.Traits, facts.Width, facts.Height)
        );
        Assert.NotEqual((UInt128)0, facts.Content);
        Assert.Equal(extension, inspector.Extensions(format)[0]);
    }

    [Fact]
    public void Equal_files_have_equal_contents_and_others_have_not()
    {
        Assert.Equal(Inspect(ImageBytes.Gif(1)).Content, Inspect(ImageBytes.Gif(1)).Content);
        Assert.NotEqual(Inspect(ImageBytes.Gif(1)).Content, Inspect(ImageBytes.Gif(2)).Content);
    }

    [Fact]
    public void Animations_printing_colours_and_deep_channels_are_told_from_the_usual()
    {
        Assert.Equal(ImageTraits.Animated, Inspect(ImageBytes.Gif(2)).Traits);
        Assert.Equal(ImageTraits.None, Inspect(ImageBytes.Gif(1)).Traits);
        Assert.Equal(ImageTraits.Animated, Inspect(ImageBytes.Png(8, animated: true)).Traits);
        Assert.Equal(ImageTraits.Deep, Inspect(ImageBytes.Png(16, animated: false)).Traits);
        Assert.Equal(ImageTraits.None, Inspect(ImageBytes.Png(8, animated: false)).Traits);
        Assert.Equal(ImageTraits.Animated, Inspect(ImageBytes.AnimatedWebp()).Traits);
        Assert.Equal(ImageTraits.Cmyk, Inspect(ImageBytes.Jpeg(4)).Traits);
        Assert.Equal(ImageTraits.None, Inspect(ImageBytes.Jpeg(3)).Traits);
    }

    [Theory]
    // Pillow's canvas has index 0 everywhere, or the transparent index, and shows the palette's colour of it; transparent pixels of the
    // frame show theirs.
    [InlineData(null, false, 1, 10, 20, 30)]
    [InlineData(null, true, 1, 10, 20, 30)]
    [InlineData(2, false, 2, 1, 2, 3)]
    [InlineData(2, true, 1, 1, 2, 3)]
    [InlineData(3, false, 1, 7, 8, 9)]
    [InlineData(200, false, 1, 200, 200, 200)]
    public void Where_a_gif_s_first_frame_paints_nothing_it_has_the_palette_s_colour_as_in_Pillow(
        int? transparent,
        bool local,
        int second,
        byte red,
        byte green,
        byte blue
    )
    {
        byte[] palette = [10, 20, 30, 200, 100, 50, 1, 2, 3, 7, 8, 9],
            painted = [200, 100, 50],
            empty = [red, green, blue];
        var (image, _, _) = ImageDecoder.Decode(ImageBytes.SmallFrameGif(palette, (byte?)transparent, local, (byte)second));
        byte[] last = second == transparent ? empty : painted;
        Assert.Equal<byte>([.. empty, .. empty, .. empty, .. empty, .. empty, .. painted, .. last, .. empty], image!.Pixels);
    }

    [Fact]
    public void What_is_told_to_be_unusual_is_decoded_all_the_same()
    {
        foreach (
            var bytes in new[]
            {
                ImageBytes.Gif(2),
                ImageBytes.Png(8, true),
                ImageBytes.Png(16, false),
                ImageBytes.AnimatedWebp(),
                ImageBytes.Jpeg(4),
                ImageBytes.Jpeg(3),
            }
        )
        {
            Assert.Equal((ImageState.Whole, null), (Inspect(bytes).State, Inspect(bytes).Trouble));
        }
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg, 0.5)]
    [InlineData(SKEncodedImageFormat.Jpeg, 0.999)]
    [InlineData(SKEncodedImageFormat.Png, 0.5)]
    [InlineData(SKEncodedImageFormat.Png, 0.999)]
    [InlineData(SKEncodedImageFormat.Webp, 0.5)]
    [InlineData(SKEncodedImageFormat.Webp, 0.999)]
    public void An_image_that_was_cut_off_is_truncated(SKEncodedImageFormat format, double part)
    {
        var bytes = ImageBytes.Encoded(format);
        var facts = Inspect(bytes[..(int)(bytes.Length * part)]);

        Assert.Equal(ImageState.Truncated, facts.State);
        Assert.Contains("cut off", facts.Trouble, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64)]
    [InlineData(37)]
    public void A_JPEG_that_lacks_its_end_mark_alone_is_whole_with_a_remark_and_has_the_same_pixels(int size)
    {
        var bytes = ImageBytes.Encoded(SKEncodedImageFormat.Jpeg, size);
        foreach (var left in new[] { 1, 2 })
        {
            var (image, state, trouble) = ImageDecoder.Decode(bytes[..^left]);

            Assert.Equal((ImageState.Whole, UnendedJpeg.Trouble), (state, trouble));
            Assert.Equal(ImageDecoder.Decode(bytes).Image!.Pixels, image!.Pixels);
            Assert.Equal((ImageState.Whole, ImageTraits.Unended), (Inspect(bytes[..^left]).State, Inspect(bytes[..^left]).Traits));
        }
    }

    [Fact]
    public void A_JPEG_that_lacks_pixels_before_its_end_mark_is_cut_off()
    {
        var bytes = ImageBytes.Encoded(SKEncodedImageFormat.Jpeg);
        foreach (var missing in Enumerable.Range(4, 40))
        {
            Assert.Equal(ImageState.Truncated, ImageDecoder.Decode(bytes[..^missing]).State);
        }
    }

    [Fact]
    public void Who_decodes_a_file_without_end_mark_is_warned()
    {
        var path = folder.Of("a.jpg");
        File.WriteAllBytes(path, ImageBytes.Encoded(SKEncodedImageFormat.Jpeg)[..^2]);
        var warnings = new List<string>();

        _ = ImageDecoder.Decode(path, warnings.Add);

        Assert.Equal(
            $"The image {path} {UnendedJpeg.Trouble}. It is used; copy it again from its source to be sure.",
            Assert.Single(warnings)
        );
    }

    [Theory]
    [InlineData("", ImageState.Truncated, "is empty")]
    [InlineData("<!DOCTYPE html><html>", ImageState.Corrupt, "is a web page, not an image")]
    [InlineData("II*\0and so on", ImageState.Corrupt, "is a TIFF, which cannot be read")]
    [InlineData("no picture", ImageState.Corrupt, "(10 bytes) is not an image that can be read")]
    public void What_is_no_image_says_what_it_is(string text, ImageState state, string trouble)
    {
        var facts = Inspect(System.Text.Encoding.ASCII.GetBytes(text));

        Assert.Equal(state, facts.State);
        Assert.StartsWith(trouble, facts.Trouble, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flipped_bit_in_a_PNG_is_damage()
    {
        var bytes = ImageBytes.Encoded(SKEncodedImageFormat.Png);
        bytes[bytes.Length / 2] ^= 0x10;

        Assert.Equal(ImageState.Corrupt, Inspect(bytes).State);
    }

    [Fact]
    public void A_missing_file_is_missing() => Assert.Equal(ImageState.Missing, inspector.Inspect(folder.Of("none.png")).State);

    private ImageFacts Inspect(byte[] bytes)
    {
        File.WriteAllBytes(folder.Of("image"), bytes);
        return inspector.Inspect(folder.Of("image"));
    }
}
