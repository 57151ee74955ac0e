using CoIN.Benchmark.Data;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Data;

public sealed class ImageFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Images_that_exist_and_samples_without_image_are_accepted()
    {
        folder.Write("a/1.jpg", "x");
        ImageFiles.Check(folder.Path, [("1", "a/1.jpg"), ("2", null), ("3", "a/1.jpg")]);
    }

    [Fact]
    public void The_first_missing_image_is_named_with_its_sample_and_the_others_are_counted()
    {
        folder.Write("a/1.jpg", "x");
        var error = Assert.Throws<CoinException>(() =>
            ImageFiles.Check(folder.Path, [("1", "a/1.jpg"), ("2", "a/2.jpg"), ("3", "a/2.jpg"), ("4", "b/4.jpg"), ("5", "5.jpg")])
        );

        Assert.Contains(
            $"{folder.File("a/2.jpg")} of sample 2 does not exist, and 2 further images are missing",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_single_missing_image_has_no_count() =>
        Assert.Contains(
            "of sample 7 does not exist. ",
            Assert.Throws<CoinException>(() => ImageFiles.Check(folder.Path, [("7", "7.jpg")])).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_missing_image_folder_is_named() =>
        Assert.StartsWith(
            $"The image folder {folder.File("none")} does not exist",
            Assert.Throws<CoinException>(() => ImageFiles.Check(folder.File("none"), [("7", "7.jpg")])).Message,
            StringComparison.Ordinal
        );
}
