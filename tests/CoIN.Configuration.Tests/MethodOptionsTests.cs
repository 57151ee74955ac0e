using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Cli.Tests.Support;

namespace CoIN.Configuration.Tests;

/// <summary>A method that brings options of its own: a class and a record, and nothing of the program knows them.</summary>
public sealed class MethodOptionsTests
{
    [Fact]
    public void The_section_of_a_methods_key_sets_its_own_options()
    {
        var (options, _) = Bind("coin { method = anchored\n anchored { strength = 0.5\n samples-kept = 3 } }");

        Assert.Equal(new AnchorOptions { Strength = 0.5, SamplesKept = 3 }, options.OptionsOf<AnchorOptions>());
    }

    [Fact]
    public void Options_that_are_left_out_are_written_down_with_their_defaults()
    {
        var (options, _) = Bind("coin.method = anchored");

        Assert.Equal(MethodOptions.Of("anchored", new AnchorOptions()), options.MethodOptions);
        Assert.NotEqual(MethodOptions.Of("anchored", new AnchorOptions { SamplesKept = 3 }), options.MethodOptions);
    }

    [Fact]
    public void Options_of_a_method_that_is_not_used_are_read_but_not_kept()
    {
        var (options, problems) = Bind("coin.anchored.strength = 0.25");

        Assert.Null(options.MethodOptions);
        Assert.Equal(new AnchorOptions(), options.OptionsOf<AnchorOptions>());
        Assert.Equal(0, problems.Count);
    }

    [Theory]
    [InlineData("coin.anchored.strength = 2", "coin.anchored.strength is 2 (in a.hocon); it must be 0 to 1.")]
    [InlineData("coin.anchored.strenght = 1", "the nearest known key is coin.anchored.strength")]
    [InlineData("coin.anchord.strength = 1", "the nearest known key is coin.anchored")]
    [InlineData("coin.method = anchor", "or anchored")]
    public void A_wrong_option_is_named_whatever_the_method(string text, string expected)
    {
        var (_, problems) = Bind(text);

        Assert.Contains(expected, Assert.Throws<CoinException>(() => problems.ThrowIfAny("It")).Message);
    }

    [Fact]
    public void A_path_of_a_methods_own_is_written_absolute_into_the_configuration_that_is_kept_with_a_run()
    {
        var tree = HoconFile.ReadText("coin.anchored.memory = ../kept", new Origin("a.hocon", "/conf/recipes"));

        Assert.Contains("memory = \"/conf/kept\"", EffectiveText.Of(tree, [new Anchored()]));
    }

    [Fact]
    public void Methods_of_the_program_have_keys_that_no_other_section_has() =>
        Assert.DoesNotContain(LearningMethods.Known.All.Where(method => method.Options is null), method =>
            ConfigurationReference.Keys.Any(key => key.StartsWith($"coin.{method.Key}.", StringComparison.Ordinal))
        );

    private static (ExperimentOptions Options, Problems Problems) Bind(string text)
    {
        using var folder = new TemporaryFolder();
        var settings = folder.Complete().Select(setting => Overrides.Read(setting, folder.Path));
        var tree = new[] { ConfigurationReference.Tree }
            .Concat(settings)
            .Append(HoconFile.ReadText(text, new Origin("a.hocon", null)))
            .Aggregate((earlier, later) => earlier.OverlaidWith(later));
        var problems = new Problems();
        var options = ExperimentBinder.Experiment(
            new Section("coin", (ObjectSetting)tree.Items["coin"], problems),
            needsModel: true,
            [.. LearningMethods.Known.All, new Anchored()]
        );
        return (options, problems);
    }

    private sealed record AnchorOptions
    {
        [Bounds(AtLeast = 0, AtMost = 1)]
        public double Strength { get; init; } = 0.1;

        public int SamplesKept { get; init; } = 20;

        [PathOption]
        public string? Memory { get; init; }
    }

    private sealed class Anchored : IMethod
    {
        public string Key => "anchored";

        public Type Options => typeof(AnchorOptions);

        public Curriculum Curriculum(IReadOnlyList<string> tasks) => LearningMethods.Known.Of(SequentialLora.Name).Curriculum(tasks);
    }
}
