using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;

namespace CoIN.Configuration.Tests;

/// <summary>What the binder makes of a record by its properties alone: nothing in the program knows these.</summary>
public sealed class RecordBinderTests
{
    private enum Shade
    {
        Light,
        VeryDark,
    }

    [Fact]
    public void A_property_is_set_by_the_key_of_its_name_whatever_its_type()
    {
        var (palette, _) = Bind(
            """
            whole-number = -3
            ratio = 2e-4
            is-used = yes
            shade = very-dark
            title = a title
            maximum = 7
            folder = ../pictures
            names = [a, b]
            sizes = "4, 5"
            brush { width = 2 }
            """
        );

        Assert.Equal(
            (-3, 2e-4, true, Shade.VeryDark, "a title", 7),
            (palette.WholeNumber, palette.Ratio, palette.IsUsed, palette.Shade, palette.Title, palette.Maximum)
        );
        Assert.Equal(Path.GetFullPath("/conf/pictures"), palette.Folder);
        Assert.Equal(["a", "b"], palette.Names);
        Assert.Equal([4, 5], palette.Sizes);
        Assert.Equal(2, palette.Brush.Width);
        Assert.Equal("left alone", palette.Found);
    }

    [Fact]
    public void A_key_that_is_left_out_leaves_the_records_default_and_a_null_is_nothing_where_the_property_may_be_null()
    {
        var (palette, problems) = Bind("maximum = null\nfolder = null\nremark = null");

        Assert.Equal(
            new Palette
            {
                Maximum = null,
                Names = palette.Names,
                Sizes = palette.Sizes,
            },
            palette
        );
        Assert.Equal(["x"], palette.Names);
        Assert.Equal([1], palette.Sizes);
        Assert.Empty(problems);
    }

    [Theory]
    [InlineData("whole-number = 1.5", "coin.palette.whole-number is '1.5' (in a.hocon); expected a whole number.")]
    [InlineData("ratio = many", "coin.palette.ratio is 'many' (in a.hocon); expected a number such as 0.5 or 2e-4.")]
    [InlineData("ratio = 1.5", "coin.palette.ratio is 1.5 (in a.hocon); it must be greater than 0 and at most 1. Half is usual.")]
    [InlineData("maximum = 0", "coin.palette.maximum is 0 (in a.hocon); it must be 1 or more (dots), or null for the least.")]
    [InlineData("is-used = maybe", "coin.palette.is-used is 'maybe' (in a.hocon); expected true or false.")]
    [InlineData("shade = dark", "coin.palette.shade is 'dark' (in a.hocon); expected light or very-dark.")]
    [InlineData("sizes = [1, b]", "coin.palette.sizes is 'b' (in a.hocon); expected a whole number.")]
    [InlineData("format = bmp", "coin.palette.format is bmp (in a.hocon); it must be png, jpeg or gif.")]
    [InlineData(
        "key-env = s3-cret",
        "coin.palette.key-env is no name of an environment variable. The secret itself belongs into a variable (export MY_KEY=…), and that one's name here."
    )]
    [InlineData("ratio = null", "coin.palette.ratio is not set (in a.hocon); it must be a number. Give it a value or remove the line.")]
    [InlineData(
        "title = null",
        "coin.palette.title is not set. Write title = untitled in a configuration file, or pass --set palette.title=untitled."
    )]
    [InlineData(
        "owner = null",
        "coin.palette.owner is not set. Write owner = Ada in a configuration file, or pass --set palette.owner=Ada."
    )]
    [InlineData(
        "brush { widht = 2 }",
        "unknown key coin.palette.brush.widht (in a.hocon); the nearest known key is coin.palette.brush.width."
    )]
    [InlineData("brush = 2", "coin.palette.brush is '2' (in a.hocon); expected a section { … }.")]
    [InlineData("title { a = 1 }", "coin.palette.title is a section (in a.hocon); expected a single value.")]
    [InlineData("found = x", "unknown key coin.palette.found (in a.hocon); the nearest known key is")]
    public void What_is_wrong_is_told_with_key_place_and_remedy(string text, string problem) =>
        Assert.StartsWith(problem, Assert.Single(Bind(text).Problems));

    [Fact]
    public void All_that_is_wrong_is_told_at_once_and_harmless_values_stand_in_its_place()
    {
        var (palette, problems) = Bind("ratio = x\nwhole-number = y\nbrush.width = 0");

        Assert.Equal(3, problems.Count);
        Assert.Equal((0.0, 0), (palette.Ratio, palette.WholeNumber));
    }

    [Fact]
    public void Readers_and_checks_say_what_names_and_types_do_not()
    {
        var problems = new Problems();
        var palette = new RecordBinder()
            .Read<Palette>(nameof(Palette.Found), section => section.OptionalText("found-by"))
            .Check<Brush>((section, brush) => section.Require(brush.Width % 2 == 0, "width", brush.Width, "even"))
            .NullIsDefault<Palette>()
            .Bind<Palette>(Section("found-by = me\nwhole-number = null\nbrush.width = 3", problems));

        Assert.Equal(("me", 12), (palette.Found, palette.WholeNumber));
        Assert.Contains(
            "coin.palette.brush.width is 3 (in a.hocon); it must be even.",
            Assert.Throws<CoinException>(() => problems.ThrowIfAny("It")).Message
        );
    }

    [Fact]
    public void A_type_that_no_key_can_have_is_a_programmers_fault() =>
        Assert.Contains(
            "Give it a reader",
            Assert.Throws<InvalidOperationException>(() => new RecordBinder().Bind<Unbound>(Section("when = 1", new Problems()))).Message
        );

    [Theory]
    [InlineData(0, 10, double.NaN, double.NaN, "0 (all) to 10", 10, 10.1)]
    [InlineData(1, 10, double.NaN, double.NaN, "between 1 and 10", 1, 0.9)]
    [InlineData(0, double.NaN, double.NaN, double.NaN, "0 (all) or more", 0, -1)]
    [InlineData(double.NaN, double.NaN, 1, double.NaN, "greater than 1", 1.1, 1)]
    [InlineData(double.NaN, 10, 1, double.NaN, "greater than 1 and at most 10", 10, 1)]
    [InlineData(1, double.NaN, double.NaN, 2, "at least 1 and less than 2", 1, 2)]
    [InlineData(double.NaN, double.NaN, double.NaN, 2, "less than 2", 1.9, 2)]
    [InlineData(double.NaN, double.NaN, 1, 2, "greater than 1 and less than 2", 1.5, 2)]
    [InlineData(double.NaN, 2, double.NaN, double.NaN, "at most 2", 2, 2.1)]
    public void Bounds_say_in_words_what_they_allow(
        double atLeast,
        double atMost,
        double above,
        double below,
        string words,
        double allowed,
        double refused
    )
    {
        var bounds = new BoundsAttribute
        {
            AtLeast = atLeast,
            AtMost = atMost,
            Above = above,
            Below = below,
            Zero = "all",
        };

        Assert.Equal(words, bounds.Expected);
        Assert.True(bounds.Allow(allowed));
        Assert.False(bounds.Allow(refused));
    }

    private static (Palette Record, IReadOnlyList<string> Problems) Bind(string text)
    {
        var problems = new Problems();
        var palette = new RecordBinder().Bind<Palette>(Section(text, problems));
        try
        {
            problems.ThrowIfAny("It");
            return (palette, []);
        }
        catch (CoinException fault)
        {
            return (
                palette,
                fault.Message.StartsWith("It: ", StringComparison.Ordinal)
                    ? [fault.Message[4..]]
                    : [.. fault.Message.Split("\n  - ").Skip(1)]
            );
        }
    }

    private static Section Section(string text, Problems problems) =>
        new("coin.palette", HoconFile.ReadText(text, new Origin("a.hocon", "/conf/recipes")), problems);

    private sealed record Palette
    {
        public int WholeNumber { get; init; } = 12;

        [Bounds(Above = 0, AtMost = 1, Remedy = "Half is usual.")]
        public double Ratio { get; init; } = 0.5;

        public bool IsUsed { get; init; }

        public Shade Shade { get; init; }

        public string Title { get; init; } = "untitled";

        [Example("Ada")]
        public string Owner { get; init; } = "nobody";

        public string? Remark { get; init; }

        [Bounds(AtLeast = 1, Note = "dots", Null = "the least")]
        public int? Maximum { get; init; } = 9;

        [PathOption]
        public string? Folder { get; init; }

        [VariableOption]
        public string? KeyEnv { get; init; }

        [OneOf("png", "jpeg", "gif")]
        public string Format { get; init; } = "png";

        public IReadOnlyList<string> Names { get; init; } = ["x"];

        public IReadOnlyList<int> Sizes { get; init; } = [1];

        public Brush Brush { get; init; } = new();

        [NoKey("Nobody.")]
        public string? Found { get; init; } = "left alone";
    }

    private sealed record Brush
    {
        [Bounds(AtLeast = 1)]
        public int Width { get; init; } = 1;
    }

    private sealed record Unbound
    {
        public DateTime When { get; init; }
    }
}
