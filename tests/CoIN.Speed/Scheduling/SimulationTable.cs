using System.Globalization;

namespace CoIN.Speed.Scheduling;

/// <summary>Simulations for people, a column for each.</summary>
internal static class SimulationTable
{
    // What a message costs grows with the cluster from here on; below it is noise.
    private const double Grows = 3;
    private const int HotSpots = 12;
    private const int Kinds = 12;

    public static void Show(TextWriter output, IReadOnlyList<SimulationResult> all)
    {
        var first = all[0].Options;
        output.WriteLine(
            Text(
                $"Runs of {first.Stages} stages of {first.Steps} steps of {first.StepSeconds} s, tested on {first.Samples:N0} samples of each task so far, {first.AnswerSeconds} s an answer."
            )
        );
        output.WriteLine();
        Row("GPUs", one => Text($"{one.Options.Gpus:N0}"));
        Row("hosts", one => Text($"{one.Options.Hosts:N0}"));
        Row("runs", one => Text($"{one.Options.Runs:N0}{(one.Done ? "" : ", not done")}"));
        Row("simulated", one => Text($"{one.Makespan:N0} s"));
        Row("  least possible", one => Text($"{one.Options.Bound:N0} s"));
        Row("  by work / by a run's path", one => Text($"{one.Options.WorkBound:N0} / {one.Options.PathBound:N0} s"));
        Row("  times the least", one => one.Done ? Text($"{one.Makespan / one.Options.Bound:0.00}") : "-");
        Row("GPUs in use", one => Text($"{100 * one.GpuUse:0} %"));
        Row("processor time here", one => Text($"{one.Processor:0.0} s"));
        Row("pieces of work given", one => Text($"{one.Decisions:N0}"));
        Row("  for a second of scheduler", one => Text($"{one.Decisions / one.Load(MeasuredScheduler.Name).Seconds:N0}"));
        Row("scheduler busy", one => Text($"{100 * one.Load(MeasuredScheduler.Name).Busiest:0.00} %"));
        Row("  longest turnaround", one => Text($"{1000 * one.Load(MeasuredScheduler.Name).LongestTurnaround:N0} ms"));
        Row("busiest supervisor", one => Text($"{100 * one.Load(MeasuredSupervisor.Name).Busiest:0.00} %"));
        Row("  longest turnaround", one => Text($"{1000 * one.Load(MeasuredSupervisor.Name).LongestTurnaround:N0} ms"));
        Row("messages", one => Text($"{one.Messages.Sum(kind => kind.Count):N0}"));
        Row("  a simulated second", one => Text($"{one.Messages.Sum(kind => kind.Count) / one.Makespan:N0}"));
        Row("  kB a simulated second", one => Text($"{one.Messages.Sum(kind => kind.Bytes) / one.Makespan / 1000:N1}"));
        Row("events", one => Text($"{one.Events.Sum(kind => kind.Count):N0}"));
        Row("  journals, kB a run", one => Text($"{one.Events.Sum(kind => kind.Bytes) / one.Options.Runs / 1000:N0}"));
        output.WriteLine();
        output.WriteLine("Bytes on the wire, kB a simulated second (bytes of a message)");
        foreach (var kind in all[^1].Messages.Take(Kinds))
        {
            Row($"  {kind.Kind}", one =>
                one.Messages.FirstOrDefault(other => other.Kind == kind.Kind) is { } same
                    ? Text($"{same.Bytes / one.Makespan / 1000:N1} ({same.Bytes / same.Count:N0})")
                    : "-"
            );
        }

        output.WriteLine();
        output.WriteLine("Processor time, % of a processor in simulated time (µs a message; * grows with the cluster)");
        foreach (var spot in all[^1].HotSpots.Take(HotSpots))
        {
            Row($"  {spot.Actor}: {spot.Message}", one =>
                Spot(one, spot) is not { } same
                    ? "-"
                    : Text(
                        $"{100 * same.Seconds / one.Makespan:0.00} ({same.Microseconds:N0}){(Before(one, spot) is { } less && same.Microseconds > Grows * less ? " *" : "")}"
                    )
            );
        }

        void Row(string name, Func<SimulationResult, string> cell) =>
            output.WriteLine($"  {name, -34}{string.Concat(all.Select(one => $"{cell(one), 20}"))}".TrimEnd());

        double? Before(SimulationResult one, HotSpot spot) =>
            all.TakeWhile(other => other != one).LastOrDefault() is { } smaller ? Spot(smaller, spot)?.Microseconds : null;
    }

    private static HotSpot? Spot(SimulationResult one, HotSpot spot) =>
        one.HotSpots.FirstOrDefault(other => (other.Actor, other.Message) == (spot.Actor, spot.Message));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
