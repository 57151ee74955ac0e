using System.CommandLine;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;

namespace CoIN.Cli.Commands;

/// <summary><c>coin rescore</c>: scores a run again from its predictions, without its model.</summary>
internal static class RescoreCommand
{
    public static Command Build(Host host, Argument<string?> run, Option<string?> runs)
    {
        var command = new Command("rescore", "Score a run's predictions again, by both scorings") { run };
        command.SetAction((parsed, _) => ExecuteAsync(host, parsed.GetValue(run), parsed.GetValue(runs)));
        return command;
    }

    private static async Task<int> ExecuteAsync(Host host, string? run, string? runs)
    {
        var (id, folder) = InspectCommands.Locate(host, run, runs);
        using var signals = host.Signals(host.Error.WriteLine);
        var rescoring = await host.Engine.RescoreAsync(folder, signals.Stop).ConfigureAwait(false);
        host.Out.WriteLine(
            $"Scored {Cells(rescoring.Cells)} of {id} again: "
                + (rescoring.Changes.Count == 0 ? "nothing has changed." : $"{Cells(rescoring.Changes.Count)} changed.")
        );
        if (rescoring.Changes.Count > 0)
        {
            var width = Math.Max(4, rescoring.Changes.Max(change => change.Task.Length));
            host.Out.WriteLine($"{"stage", -9}  {"task".PadRight(width)}  {"published", -18}  {"corrected", -18}".TrimEnd());
            foreach (var change in rescoring.Changes)
            {
                host.Out.WriteLine(Line(change, width));
            }
        }

        foreach (var file in rescoring.Reports)
        {
            host.Out.WriteLine(file);
        }

        return ExitCodes.Done;
    }

    private static string Line(RescoredCell change, int width) =>
        Words.Text(
            $"{(change.Stage == 0 ? "zero-shot" : $"{change.Stage}"), -9}  {change.Task.PadRight(width)}  {Change(change.PublishedBefore, change.Published), -18}  {Change(change.CorrectedBefore, change.Corrected)}"
        );

    private static string Change(double? before, double now) =>
        before == now
            ? Words.Text($"{now:0.00}")
            : Words.Text($"{(before is { } known ? Words.Text($"{known:0.00}") : "-")} -> {now:0.00}");

    private static string Cells(int count) => count == 1 ? "1 cell" : $"{count} cells";
}
