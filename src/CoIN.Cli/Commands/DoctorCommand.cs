using System.CommandLine;
using CoIN.Cli.Diagnosis;
using CoIN.Cli.Hosting;
using CoIN.Cli.Runs;
using CoIN.Cli.Views;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Commands;

/// <summary><c>coin doctor</c>: what this host has for runs, what it lacks, and what to do about that.</summary>
internal static class DoctorCommand
{
    public static Command Build(Host host, Option<string?> runs)
    {
        var command = new Command("doctor", "Examine this host: libtorch, CUDA, memory, disk, journal");
        var json = CommandTree.JsonOption();
        command.Add(json);
        command.SetAction(parsed =>
            Tell(
                host,
                Doctor.Examine(
                    HostFacts.Read(RunFolders.Resolve(parsed.GetValue(runs), null, host.Variable, host.Folder).Folder, host.Variable)
                ),
                parsed.GetValue(json)
            )
        );
        return command;
    }

    /// <summary>Prints findings.</summary>
    /// <returns>The exit code: a fault where runs would not work.</returns>
    internal static int Tell(Host host, IReadOnlyList<Finding> findings, bool json = false)
    {
        if (json)
        {
            var good = findings.All(finding => finding.Health != Health.Bad);
            host.Out.WriteLine(
                StatusJson.Text(
                    new JObject
                    {
                        ["good"] = good,
                        ["findings"] = new JArray(
                            findings.Select(finding => new JObject
                            {
                                ["part"] = finding.Part,
                                ["health"] = finding.Health.ToString().ToLowerInvariant(),
                                ["text"] = finding.Text,
                                ["remedy"] = finding.Remedy,
                            })
                        ),
                    }
                )
            );
            return good ? ExitCodes.Done : ExitCodes.Fault;
        }

        var width = findings.Max(finding => finding.Part.Length);
        foreach (var finding in findings)
        {
            host.Out.WriteLine($"{Mark(finding.Health)}  {finding.Part.PadRight(width)}  {finding.Text}");
            if (finding.Remedy is { } remedy)
            {
                host.Out.WriteLine($"      {new string(' ', width)}  {remedy}");
            }
        }

        var bad = findings.Count(finding => finding.Health == Health.Bad);
        host.Out.WriteLine();
        host.Out.WriteLine(
            bad == 0 ? "Runs will work here." : $"Runs will not work here until {(bad == 1 ? "one thing is" : $"{bad} things are")} mended."
        );
        return bad == 0 ? ExitCodes.Done : ExitCodes.Fault;
    }

    private static string Mark(Health health) =>
        health switch
        {
            Health.Good => "ok  ",
            Health.Doubtful => "note",
            _ => "BAD ",
        };
}
