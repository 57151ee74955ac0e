using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Models.Learning;
using CoIN.Speed.Sides;
using Newtonsoft.Json;

namespace CoIN.Speed.Memory;

/// <summary>Resident memory of a training, in bytes.</summary>
/// <param name="Loaded">With the model loaded, before training.</param>
/// <param name="Peak">Highest while it was trained.</param>
internal sealed record MeasuredMemory(long Loaded, long Peak);

/// <summary>A training in a process of its own, whose memory is nothing but its own.</summary>
internal static class MemorySide
{
    public const string Command = "memory-side";

    /// <param name="number">Place of the case among <see cref="MemoryCase.All"/>.</param>
    public static int Serve(string number, string folder, string threads)
    {
        var experiment = new MemoryExperiment(MemoryCase.All[int.Parse(number, CultureInfo.InvariantCulture)], folder);
        var samples = experiment.Samples();
        using var factory = new LearnerFactory(warning => throw new CoinException(warning));
        using var learner = factory.Open(experiment.Options, "cpu", int.Parse(threads, CultureInfo.InvariantCulture));
        var training = new ProcessMemory();
        using var session = learner.OpenTraining(
            new StageTraining(
                1,
                experiment.Options.Tasks[0].Name,
                experiment.Options.BatchSizeOf(experiment.Options.Curriculum().Stage(1)),
                samples,
                null,
                null
            )
        );
        for (var step = 0; step < session.TotalSteps; step++)
        {
            session.NextStep();
        }

        var trained = training.Report();
        Console.WriteLine(JsonConvert.SerializeObject(new MeasuredMemory(trained.Baseline, trained.Peak)));
        return 0;
    }
}
