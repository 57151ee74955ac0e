using System.Globalization;
using CoIN.Benchmark;

namespace CoIN.Actors.Nodes;

/// <summary>
/// A node's GPUs are its own on its host: two nodes on one would run out of memory. A node that has left its cluster may still hold one, as
/// long as a native call goes on; the operating system takes the lock back when the process is gone.
/// </summary>
internal sealed class DeviceLease : IDisposable
{
    private readonly List<FileStream> held = [];

    /// <param name="devices">Those of the CPU may be shared, and are not locked.</param>
    /// <param name="folder">Of the locks; the host's folder for temporary files by default.</param>
    /// <param name="visible">CUDA_VISIBLE_DEVICES, by which devices are numbered; null where it is not set.</param>
    /// <exception cref="CoinException">Another node has one of them.</exception>
    public static DeviceLease Take(IReadOnlyList<string> devices, string? folder = null, string? visible = null)
    {
        visible ??= Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES");
        var lease = new DeviceLease();
        try
        {
            foreach (var device in devices.Where(device => device.StartsWith("cuda:", StringComparison.Ordinal)))
            {
                lease.Take(device, Path.Combine(folder ?? Path.GetTempPath(), $"coin-gpu-{CardOf(device, visible)}"));
            }

            return lease;
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    public void Dispose() => held.ForEach(file => file.Dispose());

    /// <summary>The card behind a device's number.</summary>
    private static string CardOf(string device, string? visible)
    {
        var number = int.Parse(device.AsSpan("cuda:".Length), CultureInfo.InvariantCulture);
        var cards = string.IsNullOrWhiteSpace(visible) ? [] : visible.Split(',', StringSplitOptions.TrimEntries);
        return string.Concat(
            (number < cards.Length ? cards[number] : number.ToString(CultureInfo.InvariantCulture)).Select(c =>
                char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '_'
            )
        );
    }

    private void Take(string device, string path)
    {
        var (file, owner) = (path + ".lock", path + ".owner");
        try
        {
            held.Add(new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            File.WriteAllText(
                owner,
                $"process {Environment.ProcessId} of {Environment.UserName} since {DateTimeOffset.Now:yyyy-MM-dd HH:mm:ss zzz}"
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"The device {device} of this host belongs to another node{(File.Exists(owner) ? $": {File.ReadAllText(owner)}" : "")} ({file}: {e.Message.TrimEnd('.')}). "
                    + "Stop that node, or name other devices with --gpus.",
                e
            );
        }
    }
}
