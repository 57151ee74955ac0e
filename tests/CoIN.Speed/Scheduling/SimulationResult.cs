namespace CoIN.Speed.Scheduling;

/// <summary>Processor time of actors of a kind for messages of a kind.</summary>
internal sealed record HotSpot(string Actor, string Message, long Count, double Seconds, double Microseconds);

/// <summary>Messages of a kind on the wire, or events in journals.</summary>
internal sealed record Traffic(string Kind, long Count, double Bytes);

/// <summary>What actors of a kind are like when each has a processor to itself.</summary>
/// <param name="Busiest">Part of the simulated time in which the busiest of them had something to do; above 1 it cannot keep up.</param>
/// <param name="LongestTurnaround">Seconds from a message's coming to the end of its handling.</param>
internal sealed record ActorLoad(string Actor, int Actors, double Seconds, double Busiest, double LongestTurnaround);

/// <summary>What a simulation has measured.</summary>
/// <param name="Done">Whether all runs have ended: else everything is as far as it came.</param>
/// <param name="Makespan">Simulated seconds.</param>
/// <param name="Processor">Processor seconds of this computer, the writing of messages for their bytes included.</param>
/// <param name="GpuUse">Part of the GPUs' time in which they computed.</param>
/// <param name="Decisions">Pieces of work that were given to workers.</param>
internal sealed record SimulationResult(
    SimulationOptions Options,
    bool Done,
    double Makespan,
    double Processor,
    double GpuUse,
    long Decisions,
    IReadOnlyList<ActorLoad> Loads,
    IReadOnlyList<HotSpot> HotSpots,
    IReadOnlyList<Traffic> Messages,
    IReadOnlyList<Traffic> Events
)
{
    public static SimulationResult Of(SimulationOptions options, Meter meter, double makespan, double processor, double busy, bool done) =>
        new(
            options,
            done,
            makespan,
            processor,
            busy / options.Gpus / makespan,
            meter.Messages.Where(one => one.Key.StartsWith("assignment:", StringComparison.Ordinal)).Sum(one => one.Value.Count),
            [
                .. meter.Queues.Select(pair => new ActorLoad(
                    pair.Key,
                    pair.Value.Count,
                    pair.Value.Sum(one => one.Busy),
                    pair.Value.Max(one => one.Busy) / makespan,
                    pair.Value.Max(one => one.Longest)
                )),
            ],
            [
                .. meter
                    .Work.Select(pair => new HotSpot(
                        pair.Key.Actor,
                        pair.Key.Kind,
                        pair.Value.Count,
                        pair.Value.Seconds,
                        pair.Value.Microseconds
                    ))
                    .OrderByDescending(one => one.Seconds),
            ],
            Of(meter.Messages),
            Of(meter.Events)
        );

    public ActorLoad Load(string actor) => Loads.First(one => one.Actor == actor);

    private static IReadOnlyList<Traffic> Of(Dictionary<string, Written> written) =>
        [.. written.Select(pair => new Traffic(pair.Key, pair.Value.Count, pair.Value.Bytes)).OrderByDescending(one => one.Bytes)];
}
