using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Cli.Hosting;
using CoIN.Models.Inspection;
using CoIN.Models.Learning;
using CoIN.Models.Modules;

namespace CoIN.Cli.Commands;

/// <summary><c>coin model</c>: looks into model files, and folds adapters into models.</summary>
internal static class ModelCommands
{
    public static Command Build(Host host) =>
        new("model", "Look into model files, or merge an adapter into its model") { Info(host), Merge(host) };

    private static Command Info(Host host)
    {
        var path = new Argument<string>("path") { Description = "A model folder, an adapter folder or a file of weights" };
        var (tower, projector) = (Tower(), Projector());
        var command = new Command("info", "Show architecture, parameters, types and memory; weights are not loaded")
        {
            path,
            tower,
            projector,
        };
        command.SetAction(parsed =>
        {
            foreach (
                var line in ModelInspection.Describe(
                    Model(host, parsed.GetValue(path)!, parsed.GetValue(tower), parsed.GetValue(projector))
                )
            )
            {
                host.Out.WriteLine(line);
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Merge(Host host)
    {
        var adapter = new Argument<string>("adapter") { Description = "An adapter folder in PEFT's format" };
        var model = new Option<string>("--model")
        {
            HelpName = "DIR",
            Description = "The base model's folder",
            Required = true,
        };
        var output = new Option<string>("--out")
        {
            HelpName = "DIR",
            Description = "A new folder for the merged model",
            Required = true,
        };
        var dtype = new Option<string?>("--dtype")
        {
            HelpName = "TYPE",
            Description = "float32, bfloat16 or float16; by default as the base model is stored",
        };
        dtype.AcceptOnlyFromAmong("float32", "bfloat16", "float16");
        var (tower, projector) = (Tower(), Projector());
        var command = new Command("merge", "Write a Hugging Face folder of a model with an adapter folded in")
        {
            adapter,
            model,
            output,
            dtype,
            tower,
            projector,
        };
        command.SetAction(parsed =>
        {
            var folder = host.PathOf(parsed.GetValue(output)!);
            ModelMerge.Write(
                host.PathOf(parsed.GetValue(adapter)!),
                Model(host, parsed.GetValue(model)!, parsed.GetValue(tower), parsed.GetValue(projector)),
                folder,
                parsed.GetValue(dtype),
                host.Error.WriteLine
            );
            host.Out.WriteLine($"Merged model written to {folder}.");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Option<string?> Tower() =>
        new("--vision-tower") { HelpName = "DIR", Description = "The CLIP folder, where it is not in the model's" };

    private static Option<string?> Projector() =>
        new("--projector") { HelpName = "FILE", Description = "The projector's file, where the model's folder is a language model only" };

    private static ModelOptions Model(Host host, string path, string? tower, string? projector)
    {
        if (projector is not null && tower is null)
        {
            throw Usage.Fault(
                "--projector needs --vision-tower too: a model of parts has a language model, a CLIP folder and a projector."
            );
        }

        var clip = tower is null ? null : host.PathOf(tower);
        return projector is null
            ? new ModelOptions { Path = host.PathOf(path), VisionTower = clip }
            : new ModelOptions
            {
                Language = host.PathOf(path),
                VisionTower = clip,
                Projector = host.PathOf(projector),
            };
    }

    private static string PathOf(this Host host, string path) => Path.GetFullPath(Path.Combine(host.Folder, path));
}
