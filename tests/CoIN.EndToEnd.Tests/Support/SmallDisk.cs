using System.Diagnostics;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>A folder on a disk of its own that is soon full.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private readonly string folder;

    private SmallDisk(string folder) => this.folder = folder;

    /// <returns>Null where none can be made.</returns>
    public static SmallDisk? TryMount(string folder, int megabytes)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
        {
            return null;
        }

        Directory.CreateDirectory(folder);
        return Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}M", "tmpfs", folder) ? new SmallDisk(folder) : null;
    }

    public void Grow(int megabytes) => Assert.True(Run("mount", "-o", $"remount,size={megabytes}M", folder));

    public ValueTask DisposeAsync()
    {
        Assert.True(Run("umount", folder));
        return ValueTask.CompletedTask;
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
