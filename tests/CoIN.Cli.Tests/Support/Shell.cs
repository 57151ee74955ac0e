using System.Diagnostics;

namespace CoIN.Cli.Tests.Support;

/// <summary>Commands for bash, in the repository's folder.</summary>
internal static class Shell
{
    public static (int Code, string Out, string Error) Bash(string command)
    {
        var start = new ProcessStartInfo("bash")
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(command);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }

    /// <summary>Writes a command that is a script.</summary>
    public static void Fake(string path, string script)
    {
        File.WriteAllText(path, "#!/usr/bin/env bash\n" + script + "\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
