using System.Runtime.CompilerServices;
using CoIN.Benchmark.Methods;
using CoIN.Extension.Tests.Methods;
using CoIN.Models.Methods;

namespace CoIN.Extension.Tests.Support;

/// <summary>
/// Makes the methods of these tests known: a curriculum with its options, and what happens within training, by the same key.
/// </summary>
internal static class PulledMethods
{
    /// <summary>Key of whatever method a test makes by itself.</summary>
    public const string Watched = "watched";

    public static TrainingMethods Known { get; } =
        new(new TrainingMethodEntry(PullToStart.Key, options => new PullToStart(options.OptionsOf<PullToStartOptions>())));

    [ModuleInitializer]
    internal static void Add()
    {
        LearningMethods.Known.Add(new SequentialMethod(PullToStart.Key, typeof(PullToStartOptions)));
        LearningMethods.Known.Add(new SequentialMethod(Watched));
    }
}
