using CoIN.Models.Imaging;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tests.Support;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Imaging;

[Trait("Category", "Parity")]
public sealed class ClipPreprocessParityTests
{
    private const string Name = "clip-preprocess";
    private static readonly JObject Meta = GoldenFolder.Json(Name, "meta.json");

    public static TheoryData<string> Pictures =>
        [.. Meta["images"]!.Children<JProperty>().Where(one => one.Value["file"] is not null).Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Padded_and_cropped_pictures_are_the_reference_s_to_the_bit(string picture)
    {
        var processor = Processor((int)Meta["size"]!);
        var expected = GoldenFolder.Tensors(Name, "expected.safetensors");
        var files = Files(picture);
        var image = ImageDecoder.Decode(files[^1]);
        Assert.Equal(expected[$"{picture}.pad_u8"].bytes.ToArray(), Planar(processor.Resize(image, ImageMode.Pad)));
        Assert.Equal(expected[$"{picture}.crop_u8"].bytes.ToArray(), Planar(processor.Resize(image, ImageMode.Crop)));
        var floats = tensor(new ClipPictures(processor, ImageMode.Pad).Numbers(files[^1]), expected[$"{picture}.pad"].shape);
        Assert.InRange(GoldenFolder.Difference(floats, expected[$"{picture}.pad"]), 0, 1e-5);

        // JPEG decoders may differ by rounding in the colours; the strict comparison above starts from the reference's own decoding.
        var own = Planar(processor.Resize(ImageDecoder.Decode(files[0]), ImageMode.Pad));
        var far = own.Zip(expected[$"{picture}.pad_u8"].bytes.ToArray(), (left, right) => Math.Abs(left - right))
            .Count(levels => levels > 4);
        Assert.InRange(far / (double)own.Length, 0, 0.01);
    }

    [Fact]
    public void A_large_picture_at_full_resolution_is_the_reference_s_to_the_bit()
    {
        foreach (var result in Directory.EnumerateFiles(GoldenFolder.Of(Name), "*_*.png"))
        {
            var parts = Path.GetFileNameWithoutExtension(result).Split('_');
            var size = int.Parse(parts[1]);
            var processor = Processor(size);
            var image = processor.Resize(ImageDecoder.Decode(Files(parts[0])[^1]), ImageMode.Pad);
            Assert.Equal(ImageDecoder.Decode(result).Pixels, image.Pixels);
            foreach (var (name, rows) in GoldenFolder.Tensors(Name, $"expected_{size}.safetensors"))
            {
                var indices = name[(name.IndexOf("rows_", StringComparison.Ordinal) + 5)..].Split('_').Select(long.Parse).ToArray();
                var all = tensor(processor.Normalize(image), [3, size, size]);
                Assert.InRange(GoldenFolder.Difference(all.index_select(1, tensor(indices)), rows), 0, 1e-5);
            }
        }
    }

    /// <summary>The picture, and for JPEG also what the reference's decoder made of it.</summary>
    private static List<string> Files(string picture)
    {
        var file = GoldenFolder.Of(Name, (string)Meta["images"]![picture]!["file"]!);
        var decoded = Path.ChangeExtension(file, ".decoded.png");
        return File.Exists(decoded) ? [file, decoded] : [file];
    }

    private static ClipImageProcessor Processor(int size)
    {
        var settings = GoldenFolder.Json(Name, "preprocessor_config.json");
        settings["size"] = size;
        settings["crop_size"] = size;
        var path = Path.GetTempFileName();
        File.WriteAllText(path, settings.ToString());
        var processor = ClipImageProcessor.Load(path);
        File.Delete(path);
        return processor;
    }

    private static byte[] Planar(RgbImage image) =>
        [.. Enumerable.Range(0, 3).SelectMany(channel => image.Pixels.Where((_, i) => i % 3 == channel))];
}
