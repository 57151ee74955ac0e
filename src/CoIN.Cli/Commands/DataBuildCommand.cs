using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Building;
using CoIN.Benchmark.Instructions;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;

namespace CoIN.Cli.Commands;

/// <summary><c>coin data build</c>: makes instruction folders in the published form of the raw data sets.</summary>
internal static class DataBuildCommand
{
    private const string All = "all";
    private const string Drop = "drop";

    private static readonly Dictionary<string, QuestionGrouping> Groupings = new(StringComparer.Ordinal)
    {
        ["per-image"] = QuestionGrouping.PerImage,
        ["one-per-image"] = QuestionGrouping.OnePerImage,
        ["each"] = QuestionGrouping.Each,
    };

    public static Command Build(Host host)
    {
        var task = new Option<string[]>("--task")
        {
            HelpName = "X",
            Description = $"{string.Join(", ", DatasetBuild.Tasks)}, or all; may be repeated",
            Required = true,
            Arity = ArgumentArity.OneOrMore,
        };
        var raw = new Option<string>("--raw")
        {
            HelpName = "DIR",
            Description = "The raw data: DIR/<task> where there is such a folder, else DIR",
            Required = true,
        };
        var output = new Option<string>("--out")
        {
            HelpName = "DIR",
            Description = "Where Instructions_<type>/<task> goes",
            Required = true,
        };
        var images = new Option<string?>("--images") { HelpName = "DIR", Description = "The image root; every image is looked for there" };
        var missing = Choice("--missing-images", "What a missing image does, with --images", "fail", Drop);
        var imageFolder = new Option<string?>("--image-folder")
        {
            HelpName = "PATH",
            Description = "The task's images below the image root, where they are elsewhere than usual",
        };
        var type = Choice("--instructions", "How instructions are worded", [.. InstructionTypes.Names.Keys]);
        var seed = NumberOption.Whole("--seed", "Decides every draw", usual: 42);
        var volume = NumberOption.Number(
            "--volume",
            "Part of the training set, 0.1 to 1.0 in the paper (1.0 by default); nested for one seed",
            value => value is > 0 and <= 1,
            "greater than 0 and at most 1, such as 0.2"
        );
        var test = NumberOption.Whole(
            "--test-samples",
            "At most so many test samples, drawn by the seed, nested; 0 for all",
            usual: 0,
            least: 0
        );
        var questions = Choice(
            "--questions",
            "What a training sample of GQA, VQAv2 and OCR-VQA is: an image with all its questions as turns, or with one of them, or a question",
            [.. Groupings.Keys]
        );
        var count = NumberOption.Whole("--class-count", "ImageNet's number of classes", usual: 100, least: 1);
        var classes = new Option<string?>("--classes")
        {
            HelpName = "FILE",
            Description = "ImageNet's classes, one synset id a line, instead of a draw",
        };
        var shared = new Option<bool>("--keep-shared-images")
        {
            Description = "Keep training samples whose image is in the task's test set",
        };
        var command = new Command("build", "Make instruction folders of the raw data sets")
        {
            task,
            raw,
            output,
            images,
            missing,
            imageFolder,
            type,
            seed,
            volume,
            test,
            questions,
            count,
            classes,
            shared,
        };
        command.SetAction(
            (parsed, _) =>
                ExecuteAsync(
                    host,
                    parsed.GetValue(task)!,
                    FullPath(host, parsed.GetValue(raw)!),
                    FullPath(host, parsed.GetValue(output)!),
                    new BuildOptions
                    {
                        Instructions = InstructionTypes.Names[parsed.GetValue(type)!],
                        Seed = parsed.GetValue(seed),
                        Volume = parsed.GetValue(volume) ?? 1,
                        TestSamples = parsed.GetValue(test),
                        Grouping = Groupings[parsed.GetValue(questions)!],
                        Classes = parsed.GetValue(count),
                        ClassesFile = parsed.GetValue(classes) is { } file ? FullPath(host, file) : null,
                        Images = parsed.GetValue(images) is { } root ? FullPath(host, root) : null,
                        DropMissingImages = parsed.GetValue(missing) == Drop,
                        KeepSharedImages = parsed.GetValue(shared),
                        ImageFolder = parsed.GetValue(imageFolder),
                    }
                )
        );
        return command;
    }

    private static async Task<int> ExecuteAsync(Host host, string[] names, string raw, string output, BuildOptions options)
    {
        string[] tasks = [.. (names.Contains(All) ? DatasetBuild.Tasks : names.Select(DatasetBuild.TaskName)).Distinct()];
        Check(tasks, options);
        using var signals = host.Signals(host.Error.WriteLine);
        var built = new List<BuiltTask>();
        try
        {
            foreach (var task in tasks)
            {
                // Reading takes minutes; the signals' own thread has to be free to stop it.
                built.Add(
                    await Task.Run(() =>
                            DatasetBuild.Run(task, raw, output, options, line => host.Out.WriteLine($"{task}: {line}"), signals.Stop)
                        )
                        .ConfigureAwait(false)
                );
            }
        }
        finally
        {
            // What is done is done, also when a later task has a fault.
            foreach (var line in BuildReport.Lines(built, options))
            {
                host.Out.WriteLine(line);
            }
        }

        return ExitCodes.Done;
    }

    private static void Check(string[] tasks, BuildOptions options)
    {
        if (options.ImageFolder is not null && tasks.Length > 1)
        {
            throw Usage.Fault("--image-folder is one task's image folder. Build the tasks one by one, each with its own.");
        }

        if (options.ClassesFile is not null && !tasks.Contains("ImageNet"))
        {
            throw Usage.Fault("--classes is for ImageNet, which is not among the tasks. Leave it out, or add --task ImageNet.");
        }

        if (options.DropMissingImages && options.Images is null)
        {
            throw Usage.Fault("--missing-images drop needs --images, the folder in which the images are looked for.");
        }
    }

    private static Option<string> Choice(string name, string description, params string[] values)
    {
        var option = new Option<string>(name)
        {
            HelpName = string.Join('|', values),
            Description = description,
            DefaultValueFactory = _ => values[0],
        };
        option.AcceptOnlyFromAmong(values);
        return option;
    }

    private static string FullPath(Host host, string path) => Path.GetFullPath(Path.Combine(host.Folder, path));
}
