using System.CommandLine;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Work;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;

namespace CoIN.Cli.Commands;

/// <summary><c>coin data preview</c>: shows samples as the model will see them.</summary>
internal static class DataPreviewCommand
{
    private const string Train = "train";
    private const string Test = "test";

    public static Command Build(Host host)
    {
        var files = CommandTree.FilesArgument();
        var set = CommandTree.SetOption();
        var task = DataCommands.TaskOption();
        var samples = NumberOption.Whole("--samples", "Samples of each task", usual: 2, least: 1);
        var id = new Option<string[]>("--id")
        {
            HelpName = "ID",
            Description = "Instead of a draw, the samples with this id; may be repeated",
            Arity = ArgumentArity.OneOrMore,
        };
        var split = new Option<string>("--split")
        {
            HelpName = "train|test",
            Description = "Which samples",
            DefaultValueFactory = _ => Train,
        };
        split.AcceptOnlyFromAmong(Train, Test);
        var seed = NumberOption.Optional("--seed", "Decides which samples; by default the experiment's seed");
        var folder = new Option<string?>("--out")
        {
            HelpName = "DIR",
            Description = "Where the prepared images go; by default <name>-preview in the current folder",
        };
        var command = new Command("preview", "Show samples as the model will see them")
        {
            files,
            set,
            task,
            samples,
            id,
            split,
            seed,
            folder,
        };
        command.SetAction(
            (parsed, _) =>
                ExecuteAsync(
                    host,
                    parsed.GetValue(files) ?? [],
                    parsed.GetValue(set) ?? [],
                    parsed.GetValue(task) ?? [],
                    new Choice(
                        parsed.GetValue(samples),
                        parsed.GetValue(id) ?? [],
                        parsed.GetValue(split) == Test,
                        parsed.GetValue(seed),
                        parsed.GetValue(folder)
                    )
                )
        );
        return command;
    }

    private static async Task<int> ExecuteAsync(Host host, string[] files, string[] overrides, string[] tasks, Choice choice)
    {
        var options = (await DataCommands.LoadAsync(host, "preview", files, overrides, tasks).ConfigureAwait(false)).Here;
        if (options.Model.Name().Length == 0)
        {
            throw new CoinException(
                "coin.model.path is not set. A preview needs the model's tokenizer and image settings: set it in a configuration file or with --set model.path=…."
            );
        }

        var preview = new Preview(
            host,
            options,
            host.Data.Renderer(options),
            Path.GetFullPath(Path.Combine(host.Folder, choice.Folder ?? $"{options.Name}-preview")),
            choice.Test ? Test : Train
        );
        var whole = true;
        foreach (var task in options.Tasks)
        {
            foreach (var sample in Samples(options, task, choice))
            {
                whole &= preview.Show(task, sample);
            }
        }

        if (preview.Count == 0)
        {
            throw new CoinException(
                $"No {(choice.Test ? Test : Train)} sample of {string.Join(", ", options.Tasks.Select(task => task.Name))} has the id {string.Join(" or ", choice.Ids)}."
            );
        }

        foreach (var line in PreviewText.Legend(host.Terminal.Colour))
        {
            host.Out.WriteLine(line);
        }

        return whole ? ExitCodes.Done : ExitCodes.Fault;
    }

    /// <summary>A draw from the samples that a run would take, or those that were named.</summary>
    private static IReadOnlyList<Shown> Samples(ExperimentOptions options, TaskOptions task, Choice choice)
    {
        // Named samples may be any of the file.
        var wanted =
            choice.Ids.Length > 0
                ? options with
                {
                    Data = options.Data with { Volume = 1, MaxTrainSamples = 0, MaxTestSamples = 0 },
                }
                : options;
        var work = new BenchmarkWork();
        IReadOnlyList<Shown> all = choice.Test
            ? [.. work.Test(wanted, task).Select(sample => new Shown(sample.QuestionId, sample.Images, null, sample))]
            : [.. work.Training(wanted, task).Select(sample => new Shown(sample.Id, sample.Images, sample, null))];
        return choice.Ids.Length > 0
            ? [.. all.Where(sample => choice.Ids.Contains(sample.Id))]
            : Subset.Draw(all, choice.Samples, choice.Seed ?? options.Seed);
    }

    private sealed record Choice(int Samples, string[] Ids, bool Test, int? Seed, string? Folder);

    /// <summary>One of the two kinds of samples.</summary>
    private sealed record Shown(string Id, IReadOnlyList<string> Images, TrainingSample? Training, TestSample? Test);

    private sealed class Preview(Host host, ExperimentOptions options, ISampleRenderer renderer, string folder, string split)
    {
        /// <summary>Samples shown so far.</summary>
        public int Count { get; private set; }

        /// <summary>Shows a sample and writes its picture.</summary>
        /// <returns>Whether the picture could be made.</returns>
        public bool Show(TaskOptions task, Shown sample)
        {
            Count++;
            var file = split == Test ? task.TestFile : task.TrainFile;
            host.Out.WriteLine($"{task.Name}: {task.Folder}/{file}, sample {sample.Id}");
            var (picture, whole) = Picture(task, sample);
            var view = sample.Training is { } training ? renderer.Render(training) : renderer.Render(sample.Test!);
            var answer = sample.Test is { } test ? PreviewText.Answers(test, task) : null;
            foreach (var line in PreviewText.Lines(view, picture, answer, host.Terminal, options.Model.MaxLength))
            {
                host.Out.WriteLine(line);
            }

            host.Out.WriteLine();
            return whole;
        }

        private (string Text, bool Whole) Picture(TaskOptions task, Shown sample)
        {
            if (sample.Images.Count == 0)
            {
                return ("none", true);
            }

            var pictures = sample.Images.Select((image, i) => Picture(task, image, i == 0 ? sample.Id : $"{sample.Id}-{i + 1}")).ToList();
            return (string.Join("; ", pictures.Select(picture => picture.Text)), pictures.TrueForAll(picture => picture.Whole));
        }

        private (string Text, bool Whole) Picture(TaskOptions task, string image, string id)
        {
            var name = string.Concat(
                $"{Count:00}-{task.Name}-{split}-{id}".Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_')
            );
            var path = Path.Combine(folder, $"{(name.Length > 100 ? name[..100] : name)}.png");
            try
            {
                var view = renderer.SavePicture(image, path);
                return (
                    Words.Text(
                        $"{image}, {view.Width} × {view.Height} pixels; the model gets {view.SeenWidth} × {view.SeenHeight}: {path}"
                    ),
                    true
                );
            }
            catch (CoinException e)
            {
                return (e.Message, false);
            }
        }
    }
}
