namespace CoIN.Speed.Scheduling;

/// <summary>
/// A GPU on which a trainer and an evaluator work: while both do, each gets half of it. So it does as much in an hour however they are
/// mixed.
/// </summary>
internal sealed class SimulatedDevice(VirtualClock clock)
{
    private const double Nothing = 1e-6;
    private readonly List<Computation> going = [];
    private TimeSpan since;
    private int change;

    /// <summary>Seconds in which it computed something.</summary>
    public double Busy { get; private set; }

    /// <summary>Whether the base model is on it.</summary>
    public bool HasModel { get; set; }

    /// <summary>Computes what takes so many seconds when it has the GPU to itself.</summary>
    public Task Compute(double seconds)
    {
        GoOn();
        var computation = new Computation { Left = seconds };
        going.Add(computation);
        Wait();
        return computation.Done.Task;
    }

    private void GoOn()
    {
        var passed = (clock.Elapsed - since).TotalSeconds;
        since = clock.Elapsed;
        if (going.Count > 0)
        {
            Busy += passed;
            going.ForEach(one => one.Left -= passed / going.Count);
        }
    }

    private void Wait()
    {
        var current = ++change;
        if (going.Count == 0)
        {
            return;
        }

        var next = Math.Max(0, going.Min(one => one.Left)) * going.Count;
        clock.After(TimeSpan.FromTicks((long)Math.Ceiling(next * TimeSpan.TicksPerSecond)), () =>
        {
            if (current == change)
            {
                GoOn();
                var done = going.Where(one => one.Left <= Nothing).ToList();
                going.RemoveAll(one => one.Left <= Nothing);
                Wait();
                done.ForEach(one => one.Done.SetResult());
            }
        });
    }

    private sealed class Computation
    {
        public double Left { get; set; }

        public TaskCompletionSource Done { get; } = new();
    }
}
