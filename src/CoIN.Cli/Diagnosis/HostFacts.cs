using System.Runtime.InteropServices;
using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Models.Devices;

namespace CoIN.Cli.Diagnosis;

/// <summary>What a host is, as far as runs care. A part that could not be read is a fault in its place.</summary>
internal sealed record HostFacts
{
    public required string System { get; init; }

    public required string Runtime { get; init; }

    public required int Cores { get; init; }

    /// <summary>Memory that this process may use, in bytes.</summary>
    public required long MemoryBytes { get; init; }

    public required (TorchStatus? Status, string? Fault) Torch { get; init; }

    public required IReadOnlyList<GraphicsProcessor> GraphicsProcessors { get; init; }

    public required string RunsFolder { get; init; }

    public required long? FreeDiskBytes { get; init; }

    /// <summary>Transactions a second of a journal in <see cref="RunsFolder"/>.</summary>
    public required (double? PerSecond, string? Fault) Journal { get; init; }

    /// <summary>Value of OMP_WAIT_POLICY.</summary>
    public required string? WaitPolicy { get; init; }

    /// <summary>Reads the facts of this host.</summary>
    public static HostFacts Read(string runs, Func<string, string?> variable) =>
        new()
        {
            System = $"{RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.ProcessArchitecture}",
            Runtime = RuntimeInformation.FrameworkDescription,
            Cores = Environment.ProcessorCount,
            MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            Torch = Try(() => (TorchStatus?)TorchStatus.Read()),
            GraphicsProcessors = Models.Devices.GraphicsProcessors.List(),
            RunsFolder = runs,
            FreeDiskBytes = FreeDisk(runs),
            Journal = Try(() => (double?)JournalProbe.Measure(runs)),
            WaitPolicy = variable("OMP_WAIT_POLICY"),
        };

    private static (T? Value, string? Fault) Try<T>(Func<T?> read)
    {
        try
        {
            return (read(), null);
        }
        catch (CoinException e)
        {
            return (default, e.Message);
        }
    }

    /// <summary>Free space of the nearest folder that exists.</summary>
    private static long? FreeDisk(string folder)
    {
        for (var at = folder; at is not null; at = Path.GetDirectoryName(at))
        {
            if (Directory.Exists(at))
            {
                return new DriveInfo(at).AvailableFreeSpace;
            }
        }

        return null;
    }
}
