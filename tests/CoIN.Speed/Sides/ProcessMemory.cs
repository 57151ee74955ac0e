using CoIN.Benchmark;

namespace CoIN.Speed.Sides;

/// <summary>Resident memory of this process, from Linux's /proc.</summary>
internal sealed class ProcessMemory
{
    private readonly long baseline;

    /// <summary>Starts anew: the highest resident size counts from now.</summary>
    public ProcessMemory()
    {
        File.WriteAllText("/proc/self/clear_refs", "5");
        baseline = Read("VmRSS");
    }

    public SideMemory Report() => new(baseline, Read("VmHWM"));

    private static long Read(string field)
    {
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith($"{field}:", StringComparison.Ordinal))
            ?? throw new CoinException($"/proc/self/status has no {field}; memory is measured on Linux only.");
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
    }
}

/// <summary>Memory of a side in bytes.</summary>
/// <param name="Baseline">Resident with everything loaded.</param>
/// <param name="Peak">Highest resident size since.</param>
internal sealed record SideMemory(long Baseline, long Peak);
