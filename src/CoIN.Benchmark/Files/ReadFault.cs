namespace CoIN.Benchmark.Files;

/// <summary>Why a file cannot be read, for people.</summary>
public static class ReadFault
{
    /// <summary>The reason, without a full stop. The operating system calls a folder in a file's place a lack of permission.</summary>
    public static string Why(string path, Exception fault) =>
        Directory.Exists(path) ? "it is a folder, but a file is expected here" : fault.Message.TrimEnd('.');
}
