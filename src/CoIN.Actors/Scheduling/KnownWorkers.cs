using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using static CoIN.Actors.Protocol.WorkProtocol;
using Given = CoIN.Actors.Scheduling.Scheduler.Given;
using Known = CoIN.Actors.Scheduling.Scheduler.Known;

namespace CoIN.Actors.Scheduling;

/// <summary>
/// The workers of which a scheduler knows, in the order in which they came: found by what they do, and by kind where they are free, those
/// on idle devices first and those that are passed over last.
/// </summary>
internal sealed class KnownWorkers
{
    private readonly Dictionary<IActorRef, Entry> all = [];
    private readonly Dictionary<Skill, SortedDictionary<(bool PassedOver, int Load, long Number), IActorRef>> free = Enum.GetValues<Skill>()
        .ToDictionary(skill => skill, _ => new SortedDictionary<(bool PassedOver, int Load, long Number), IActorRef>());
    private readonly Dictionary<(Address Node, string Name), SharedDevice> devices = [];
    private readonly Dictionary<(string RunId, object Work), List<Entry>> doing = [];
    private readonly Dictionary<(string RunId, Skill Skill), Share> shares = [];
    private readonly Dictionary<(Skill Skill, bool PassedOver), int> counts = [];
    private long came;

    /// <summary>Grows when a worker comes, goes, begins or ends something.</summary>
    public long Changes { get; private set; }

    public IEnumerable<KeyValuePair<IActorRef, Known>> All =>
        all.OrderBy(pair => pair.Value.Number).Select(pair => KeyValuePair.Create(pair.Key, pair.Value.Known));

    /// <summary>Runs for which somebody works.</summary>
    public IEnumerable<string> RunIds => shares.Keys.Select(key => key.RunId);

    /// <summary>What is known of a worker from now on.</summary>
    public Known this[IActorRef worker]
    {
        get => all[worker].Known;
        set
        {
            var before = all.GetValueOrDefault(worker);
            var entry = new Entry(before?.Number ?? ++came, worker, value);
            if (before is null || before.Known.Busy != value.Busy || before.Known.Register.Device != value.Register.Device)
            {
                Changes++;
            }

            if (before is not null)
            {
                Leave(before);
            }

            all[worker] = entry;
            Enter(entry);
        }
    }

    public bool TryGetValue(IActorRef worker, [NotNullWhen(true)] out Known? known) =>
        (known = all.GetValueOrDefault(worker)?.Known) is not null;

    public bool Remove(IActorRef worker, [NotNullWhen(true)] out Known? known)
    {
        known = null;
        if (!all.Remove(worker, out var entry))
        {
            return false;
        }

        known = entry.Known;
        Changes++;
        Leave(entry);
        return true;
    }

    /// <summary>
    /// Free workers of a kind: those first on whose devices fewest others work, for they share the device with them; those that are passed
    /// over are last.
    /// </summary>
    public IEnumerable<IActorRef> Free(Skill skill) => free[skill].Values;

    /// <summary>How many other workers are busy on a free worker's device.</summary>
    public int Load(IActorRef worker) => devices[DeviceOf(all[worker])].Busy;

    public bool AnyFree(Skill skill) => free[skill].Count > 0;

    /// <summary>Workers of a kind, be they free or not.</summary>
    public int Count(Skill skill) => Count(skill, passedOver: false) + Count(skill, passedOver: true);

    /// <summary>Those of them that are passed over, or those that are not.</summary>
    public int Count(Skill skill, bool passedOver) => counts.GetValueOrDefault((skill, passedOver));

    /// <summary>Who does this work, in whatever turn.</summary>
    public IEnumerable<(IActorRef Worker, Given Busy)> Doing(Given given) =>
        doing.GetValueOrDefault(given.Key, []).OrderBy(entry => entry.Number).Select(entry => (entry.Worker, entry.Known.Busy!));

    /// <summary>How many workers of a kind work for a run.</summary>
    public int Working(string runId, Skill skill) => shares.GetValueOrDefault((runId, skill))?.Workers ?? 0;

    /// <summary>For how long they have, all together.</summary>
    public TimeSpan Worked(string runId, Skill skill, DateTimeOffset now) =>
        shares.TryGetValue((runId, skill), out var share)
            ? TimeSpan.FromTicks((share.Workers * now.UtcTicks) - share.Since)
            : TimeSpan.Zero;

    private void Enter(Entry entry)
    {
        var known = entry.Known;
        counts[(known.Register.Skill, known.IsPassedOver)] = Count(known.Register.Skill, known.IsPassedOver) + 1;
        if (!devices.TryGetValue(DeviceOf(entry), out var device))
        {
            devices[DeviceOf(entry)] = device = new SharedDevice();
        }

        if (known.Busy is not { } busy)
        {
            device.Free[entry.Number] = entry;
            free[known.Register.Skill][(known.IsPassedOver, device.Busy, entry.Number)] = entry.Worker;
            return;
        }

        Use(device, 1);
        if (!doing.TryGetValue(busy.Key, out var same))
        {
            doing[busy.Key] = same = [];
        }

        same.Add(entry);
        var key = (busy.Turn.RunId, known.Register.Skill);
        if (!shares.TryGetValue(key, out var share))
        {
            shares[key] = share = new Share();
        }

        (share.Workers, share.Since) = (share.Workers + 1, share.Since + known.Since.UtcTicks);
    }

    private void Leave(Entry entry)
    {
        var known = entry.Known;
        counts[(known.Register.Skill, known.IsPassedOver)]--;
        var device = devices[DeviceOf(entry)];
        if (known.Busy is not { } busy)
        {
            device.Free.Remove(entry.Number);
            free[known.Register.Skill].Remove((known.IsPassedOver, device.Busy, entry.Number));
            Forget(entry, device);
            return;
        }

        Use(device, -1);
        Forget(entry, device);
        var same = doing[busy.Key];
        same.Remove(entry);
        if (same.Count == 0)
        {
            doing.Remove(busy.Key);
        }

        var key = (busy.Turn.RunId, known.Register.Skill);
        var share = shares[key];
        (share.Workers, share.Since) = (share.Workers - 1, share.Since - known.Since.UtcTicks);
        if (share.Workers == 0)
        {
            shares.Remove(key);
        }
    }

    /// <summary>A worker on a device becomes busy, or is so no more: its free neighbours come later, or sooner.</summary>
    private void Use(SharedDevice device, int more)
    {
        foreach (var (number, one) in device.Free)
        {
            var (queue, passedOver) = (free[one.Known.Register.Skill], one.Known.IsPassedOver);
            queue.Remove((passedOver, device.Busy, number));
            queue[(passedOver, device.Busy + more, number)] = one.Worker;
        }

        device.Busy += more;
    }

    private void Forget(Entry entry, SharedDevice device)
    {
        if (device.Busy == 0 && device.Free.Count == 0)
        {
            devices.Remove(DeviceOf(entry));
        }
    }

    private static (Address Node, string Name) DeviceOf(Entry entry) => (entry.Worker.Path.Address, entry.Known.Register.Device);

    /// <summary>A device of a node with the workers on it.</summary>
    private sealed class SharedDevice
    {
        public int Busy { get; set; }

        /// <summary>Free workers by their numbers.</summary>
        public Dictionary<long, Entry> Free { get; } = [];
    }

    private sealed record Entry(long Number, IActorRef Worker, Known Known);

    /// <summary>Workers of a kind for a run.</summary>
    private sealed class Share
    {
        public int Workers { get; set; }

        /// <summary>Sum of the times since when each of them works, in ticks: it may overflow, and differences of it are right.</summary>
        public long Since { get; set; }
    }
}
