using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Methods;

/// <summary>A finished task's samples in a method's state.</summary>
/// <param name="Stage">That learned it.</param>
internal sealed record KeptSamples(int Stage, string Name, IReadOnlyList<TrainingSample> Samples)
{
    private const string Key = "Kept";

    /// <summary>Draws samples by the stage's seed; all, with a warning, where there are no more.</summary>
    public static IReadOnlyList<TrainingSample> Draw(IReadOnlyList<TrainingSample> samples, int count, StageInfo stage, Draws what)
    {
        if (samples.Count < count)
        {
            stage.Warn(
                $"Stage {stage.Number} ({stage.Name}): {count} samples are wanted for later stages, but only {samples.Count} have an answer "
                    + "to learn; these are taken."
            );
        }

        return Subset.Draw(samples, Math.Min(count, samples.Count), stage.SeedOf(what));
    }

    /// <summary>The same of anything that the samples have, for samples that are kept.</summary>
    public static IReadOnlyList<T> DrawOf<T>(IReadOnlyList<T> items, int count, int seed, int stage) =>
        Subset.Draw(items, Math.Min(count, items.Count), SeededRandom.Combine(seed, stage, (long)Draws.Kept));

    /// <summary>Makes sure, before a stage is trained, that as many samples can be drawn at its end as are wanted.</summary>
    /// <exception cref="CoinException">There are too few.</exception>
    public static void CheckCount(IReadOnlyList<TrainingSample> samples, int count, string method, StageInfo stage)
    {
        if (samples.Count < count)
        {
            throw new CoinException(
                $"coin.{method}.samples is {count}, but stage {stage.Number} ({stage.Name}) has {samples.Count} training samples. "
                    + $"Set {method}.samples to {samples.Count} or less."
            );
        }
    }

    /// <summary>What a state holds, in the stages' order.</summary>
    public static IReadOnlyList<KeptSamples> In(MethodState state) =>
        state.Values[Key] is not JArray kept
            ? []
            :
            [
                .. kept.Cast<JObject>()
                    .Select(task => new KeptSamples(
                        (int)task["Stage"]!,
                        (string)task["Name"]!,
                        [
                            .. task["Samples"]!
                                .Cast<JObject>()
                                .Select(one => new TrainingSample(
                                    (string)one["Id"]!,
                                    (string?)one["Image"],
                                    [.. one["Turns"]!.Select(turn => new Turn((string)turn[0]!, (string)turn[1]!))]
                                )
                                {
                                    FurtherImages = [.. (one["FurtherImages"] ?? new JArray()).Select(image => (string)image!)],
                                }),
                        ]
                    )),
            ];

    /// <summary>As <see cref="In"/>, for a stage that is to use them.</summary>
    /// <exception cref="CoinException">An image of them is not there any more.</exception>
    public static IReadOnlyList<KeptSamples> Usable(MethodState state, StageInfo stage)
    {
        var kept = In(state);
        ImageFiles.Check(
            stage.Images,
            kept.SelectMany(task => task.Samples).SelectMany(sample => sample.Images.Select(image => (sample.Id, (string?)image)))
        );
        return kept;
    }

    /// <summary>Adds a task to a state.</summary>
    public void AddTo(MethodState state)
    {
        var kept = state.Values[Key] as JArray ?? [];
        kept.Add(
            new JObject
            {
                ["Stage"] = Stage,
                ["Name"] = Name,
                ["Samples"] = new JArray(
                    Samples.Select(sample => new JObject
                    {
                        ["Id"] = sample.Id,
                        ["Image"] = sample.Image,
                        ["FurtherImages"] = sample.FurtherImages.Count == 0 ? null : new JArray(sample.FurtherImages),
                        ["Turns"] = new JArray(sample.Conversations.Select(turn => new JArray(turn.From, turn.Value))),
                    })
                ),
            }
        );
        state.Values[Key] = kept;
    }
}
