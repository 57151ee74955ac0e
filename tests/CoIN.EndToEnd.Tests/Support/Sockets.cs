using System.Globalization;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>The sockets of a process, as Linux tells them.</summary>
internal static class Sockets
{
    private static readonly string[] Tables = ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"];

    /// <summary>Every internet socket that a process holds, as its table and line; connected ones and those of UDP among them.</summary>
    public static IReadOnlyList<string> Of(int processId)
    {
        var inodes = Directory
            .EnumerateFiles($"/proc/{processId}/fd")
            .Select(Target)
            .OfType<string>()
            .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
            .Select(target => long.Parse(target.AsSpan(8, target.Length - 9), CultureInfo.InvariantCulture))
            .ToHashSet();
        return
        [
            .. Tables
                .Where(table => File.Exists($"/proc/{processId}/net/{table}"))
                .SelectMany(table => File.ReadLines($"/proc/{processId}/net/{table}").Skip(1).Select(line => (table, line)))
                .Where(row => inodes.Contains(Inode(row.line)))
                .Select(row => $"{row.table} {row.line.Trim()}"),
        ];
    }

    private static long Inode(string line) =>
        long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[9], CultureInfo.InvariantCulture);

    private static string? Target(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            // It was closed meanwhile.
            return null;
        }
    }
}
