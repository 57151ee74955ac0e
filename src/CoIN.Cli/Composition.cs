using CoIN.Cli.Commands;
using CoIN.Cli.Engine;
using CoIN.Cli.Hosting;

namespace CoIN.Cli;

/// <summary>The one place where the command is put together from its parts.</summary>
internal static class Composition
{
    private const string ShowCursor = "\u001b[?25h";

    /// <summary>Runs the command with what drives runs and what makes the miniature.</summary>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string[] arguments, IRunEngine engine, IMiniature miniature)
    {
        var terminal = Terminal.Detect(Environment.GetEnvironmentVariable, !Console.IsOutputRedirected, !Console.IsErrorRedirected, () =>
            Console.WindowWidth
        );
        return CommandTree.InvokeAsync(
            new Host
            {
                Out = Console.Out,
                Error = Console.Error,
                Terminal = terminal,
                Engine = engine,
                Miniature = miniature,
                Data = new DataTools(),
                Folder = Environment.CurrentDirectory,
                Signals = tell => StopSignals.Listen(tell, () => ExitAtOnce(terminal)),
            },
            arguments
        );
    }

    private static void ExitAtOnce(Terminal terminal)
    {
        if (terminal.Live)
        {
            Console.Out.Write(ShowCursor);
            Console.Out.Flush();
        }

        ProcessEnd.AtOnce(ExitCodes.Stopped);
    }
}
