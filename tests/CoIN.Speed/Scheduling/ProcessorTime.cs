using System.Diagnostics;
using System.Runtime.InteropServices;

namespace CoIN.Speed.Scheduling;

/// <summary>
/// Processor time of the calling thread: what else the computer does is not in it. On other systems than Linux it is the time of the clock.
/// </summary>
internal static partial class ProcessorTime
{
    // CLOCK_THREAD_CPUTIME_ID
    private const int OfThread = 3;

    /// <summary>Seconds since the thread, or the computer, began.</summary>
    public static double Now() =>
        OperatingSystem.IsLinux() && Get(OfThread, out var time) == 0
            ? time.Seconds + (time.Nanoseconds * 1e-9)
            : Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int Get(int clock, out Time time);

    private readonly struct Time
    {
        public readonly long Seconds;
        public readonly long Nanoseconds;
    }
}
