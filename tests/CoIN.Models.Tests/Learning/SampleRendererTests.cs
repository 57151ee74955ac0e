using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Families.Llava;
using CoIN.Models.Imaging;
using CoIN.Models.Learning;
using CoIN.Models.Modules;
using CoIN.Models.Tests.Support;
using CoIN.Models.Tokenization;
using SkiaSharp;

namespace CoIN.Models.Tests.Learning;

/// <summary>Samples as a tiny model gets them: 4 image tokens, letters as tokens.</summary>
public sealed class SampleRendererTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public SampleRendererTests()
    {
        var pieces = new List<Piece>
        {
            new("<unk>", 0, PieceKind.Unknown),
            new("<s>", 0, PieceKind.Control),
            new("</s>", 0, PieceKind.Control),
        };
        pieces.AddRange(Enumerable.Range(0, 256).Select(value => new Piece($"<0x{value:X2}>", 0, PieceKind.Byte)));
        pieces.AddRange("\u2581abcdefgh:.ASINTUER".Select((letter, i) => new Piece($"{letter}", -i, PieceKind.Normal)));
        Directory.CreateDirectory(folder.Of("model"));
        LlavaInitializer.Write(
            folder.Of("model"),
            new LlavaConfig(
                new VisionConfig(16, 32, 3, 2, 16, 8, "quick_gelu", 1e-5),
                new DecoderConfig(32, 48, 2, 4, 2, 290, 1e-5, 10000, 40, false),
                -2,
                false
            ),
            289,
            1
        );
        File.WriteAllBytes(folder.Of("model", "tokenizer.model"), new SentencePieceModel(pieces, true).ToBytes());
        File.WriteAllText(
            folder.Of("model", "preprocessor_config.json"),
            """{"size": 16, "crop_size": 16, "resample": 3, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.2, 0.3, 0.4]}"""
        );
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_training_sample_shows_what_is_learned_and_where_the_image_stands()
    {
        var view = Renderer(100).Render(new TrainingSample("1", "a.png", [new Turn("human", "<image>\nab"), new Turn("gpt", "cd")]));

        Assert.Equal("USER: <image>\nab ASSISTANT: cd</s>", view.Prompt);
        Assert.Equal((1, 4, 100), (view.Images, view.ImageTokens, view.Limit));
        Assert.Equal(view.Tokens.Count + 3, view.Length);
        Assert.Equal(["c", "d", "</s>"], view.Tokens.Where(token => token.IsLearned).Select(token => token.Piece).TakeLast(3));
        Assert.DoesNotContain(view.Tokens, token => token.IsCut);
    }

    [Theory]
    [InlineData("a.png", "<image>\nab")]
    [InlineData(null, "ab")]
    public void A_training_sample_is_cut_at_its_end(string? image, string question)
    {
        var sample = new TrainingSample("1", image, [new Turn("human", question), new Turn("gpt", "cdcd")]);
        var length = Renderer(100).Render(sample).Length;
        var view = Renderer(length - 2).Render(sample);

        Assert.Equal((length, length - 2), (view.Length, view.Limit));
        Assert.Equal(["d", "</s>"], view.Tokens.Where(token => token.IsCut).Select(token => token.Piece));
        Assert.Equal(Renderer(100).Render(sample).Learned - 2, view.Learned);
    }

    [Fact]
    public void A_test_sample_learns_nothing_and_is_cut_in_front_of_its_end()
    {
        var view = Renderer(40).Render(new TestSample("1", "a.png", new string('a', 30), "b"));

        // One position is kept for the answer.
        Assert.Equal(39, view.Limit);
        Assert.Equal(view.Length - 39, view.Tokens.Count(token => token.IsCut));
        Assert.False(view.Tokens[^1].IsCut);
        Assert.Equal(0, view.Learned);
        Assert.EndsWith("ASSISTANT:", view.Prompt, StringComparison.Ordinal);
    }

    [Fact]
    public void The_saved_picture_is_what_the_vision_tower_gets_turned_back_into_colours()
    {
        using (var bitmap = new SKBitmap(30, 20))
        {
            for (var i = 0; i < 600; i++)
            {
                bitmap.SetPixel(i % 30, i / 30, new SKColor((byte)(i * 7), (byte)i, (byte)(255 - (i / 3))));
            }

            using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            File.WriteAllBytes(folder.Of("a.png"), png.ToArray());
        }

        var view = Renderer(100).SavePicture("a.png", folder.Of("out", "p.png"));

        var expected = ClipImageProcessor
            .Load(folder.Of("model", "preprocessor_config.json"))
            .Resize(ImageDecoder.Decode(folder.Of("a.png")), ImageMode.Pad);
        Assert.Equal(new PictureView(30, 20, 16, 16), view);
        Assert.Equal(expected.Pixels, ImageDecoder.Decode(folder.Of("out", "p.png")).Pixels);
    }

    [Fact]
    public void A_picture_that_is_not_there_is_a_fault_that_names_it() =>
        Assert.Contains(
            "none.png",
            Assert.Throws<CoinException>(() => Renderer(100).SavePicture("none.png", folder.Of("p.png"))).Message,
            StringComparison.Ordinal
        );

    private SampleRenderer Renderer(int maxLength) =>
        SampleRenderer.Open(
            new ModelOptions
            {
                Path = folder.Of("model"),
                MaxLength = maxLength,
                Conversation = "vicuna_v1_no_system",
            },
            folder.Path
        );
}
