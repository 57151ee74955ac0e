using System.Runtime.InteropServices;

namespace CoIN.Cli.Hosting;

/// <summary>The end of this process in the middle of its work.</summary>
internal static partial class ProcessEnd
{
    /// <summary>
    /// Ends the process without the exit handlers of its native libraries: those take apart what other threads are still computing with, or
    /// are just loading, and the process would end by a segmentation fault. Nothing is lost by it: what a run keeps survives a killed
    /// process.
    /// </summary>
    public static void AtOnce(int code)
    {
        if (OperatingSystem.IsWindows())
        {
            _ = TerminateProcess(-1, (uint)code);
        }
        else
        {
            Exit(code);
        }
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);

    /// <param name="process">-1 for this one.</param>
    [LibraryImport("kernel32.dll")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool TerminateProcess(nint process, uint code);
}
