using CoIN.Models.Checkpoints;
using CoIN.Models.Families;
using CoIN.Models.Generation;
using CoIN.Models.Torch;

namespace CoIN.Models.Learning;

/// <summary>What tells one base model in memory from another.</summary>
/// <param name="Source">Its files, for people too.</param>
/// <param name="Positions">Of the longest sequence that it is made ready for.</param>
internal sealed record BaseKey(string Source, string Dtype, Nf4Settings? Nf4, int Positions, int? MaxPixels, string Device);

/// <summary>That somebody works with a base model: as long as that is so, it stays.</summary>
internal interface IBaseLease : IDisposable
{
    /// <inheritdoc cref="Benchmark.Learning.ILearner.Rest"/>
    void Rest(Action close);

    /// <inheritdoc cref="Benchmark.Learning.ILearner.Wake"/>
    bool Wake();
}

/// <summary>A base model in memory, with what is kept beside it.</summary>
internal sealed class SharedBase(LoadedModel loaded) : IDisposable
{
    public LoadedModel Loaded { get; } = loaded;

    /// <summary>Features of test pictures, for all sessions on the device.</summary>
    public FeatureCache Features { get; } = new(loaded.Model);

    public void Dispose()
    {
        Features.Dispose();
        Loaded.Model.Dispose();
    }
}

/// <summary>
/// The base models of a process, each loaded once for a device and shared by all who work with it. Before another one is loaded on a
/// device, those that nobody works with are freed, the one that was used last at last.
/// </summary>
/// <param name="tell">Receives a sentence for each that is freed.</param>
internal sealed class BaseModels(Action<string> tell) : IDisposable
{
    private readonly Lock gate = new();
    private readonly Dictionary<BaseKey, Entry> entries = [];
    private long uses;

    /// <summary>How many a device holds at most, as far as nobody works with them; at least 1.</summary>
    public int Kept { get; init; } = 1;

    /// <summary>Says that a base model is worked with, and gives it.</summary>
    /// <param name="load">Loads it where it is not there; whoever else asks for it meanwhile waits.</param>
    public (SharedBase Base, IBaseLease Lease) Take(BaseKey key, Func<SharedBase> load)
    {
        Entry? entry;
        Lease lease;
        lock (gate)
        {
            if (!entries.TryGetValue(key, out entry))
            {
                MakeRoom(key);
                entries[key] = entry = new Entry(new Lazy<SharedBase>(load));
            }

            entry.Leases.Add(lease = new Lease(this, entry));
        }

        try
        {
            return (entry.Base.Value, lease);
        }
        catch
        {
            // Whoever asks again may have mended its files.
            lock (gate)
            {
                entry.Leases.Remove(lease);
                if (entries.GetValueOrDefault(key) == entry)
                {
                    entries.Remove(key);
                }
            }

            throw;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            foreach (var entry in entries.Values.Where(entry => entry.Base.IsValueCreated))
            {
                entry.Base.Value.Dispose();
            }

            entries.Clear();
        }
    }

    private void MakeRoom(BaseKey wanted)
    {
        var before = entries.Count;
        while (entries.Keys.Count(key => key.Device == wanted.Device) >= Kept && Idle(wanted.Device) is { } key)
        {
            entries.Remove(key, out var entry);
            foreach (var lease in entry!.Leases)
            {
                lease.Close!();
                lease.IsClosed = true;
            }

            entry.Base.Value.Dispose();
            tell($"The base model {Name(key, wanted)} is freed on {key.Device} to make room for {Name(wanted, key)}");
        }

        // On a GPU, libtorch's allocator has what was freed, and gives it to the next.
        if (entries.Count < before)
        {
            HeapPolicy.GiveBack();
        }
    }

    /// <summary>The one that nobody has worked with for longest.</summary>
    private BaseKey? Idle(string device) =>
        entries
            .Keys.Where(key => key.Device == device && entries[key].Leases.TrueForAll(lease => lease.Close is not null))
            .MinBy(key => entries[key].LastUse);

    /// <summary>Its files, and where they are the other's too, how it is held.</summary>
    private static string Name(BaseKey key, BaseKey other) =>
        key.Source != other.Source ? key.Source
        : key.Dtype != other.Dtype || key.Nf4 != other.Nf4 ? $"{key.Source} ({key.Dtype}{(key.Nf4 is null ? "" : ", 4 bits")})"
        : $"{key.Source} (for {key.Positions} positions{(key.MaxPixels is { } pixels ? $", {pixels} pixels" : "")})";

    private sealed class Entry(Lazy<SharedBase> shared)
    {
        public Lazy<SharedBase> Base { get; } = shared;

        public List<Lease> Leases { get; } = [];

        public long LastUse { get; set; }
    }

    private sealed class Lease(BaseModels models, Entry entry) : IBaseLease
    {
        /// <summary>Closes what rests; null while it is worked with.</summary>
        public Action? Close { get; private set; }

        public bool IsClosed { get; set; }

        public void Rest(Action close)
        {
            lock (models.gate)
            {
                (Close, entry.LastUse) = (close, ++models.uses);
            }
        }

        public bool Wake()
        {
            lock (models.gate)
            {
                Close = IsClosed ? Close : null;
                return !IsClosed;
            }
        }

        public void Dispose()
        {
            lock (models.gate)
            {
                if (entry.Leases.Remove(this))
                {
                    entry.LastUse = ++models.uses;
                }
            }
        }
    }
}
