using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;

namespace CoIN.Configuration;

/// <summary>Whether the folders and files that an experiment needs are there, before anything is loaded.</summary>
public static class FileRules
{
    private const string Download = "Download the model into it";

    /// <summary>Checks model, data folders and every task's files.</summary>
    /// <exception cref="CoinException">Something is missing; the message lists everything, with key, path and remedy.</exception>
    public static void Check(LoadedConfiguration loaded)
    {
        var problems = new Problems();
        CheckModel(loaded, problems);
        CheckData(loaded.Here, problems);
        problems.ThrowIfAny("The experiment's files");
    }

    /// <summary>Checks model and data as far as this host has them, of a run that other hosts will do.</summary>
    /// <param name="prepared">Whether data that the run prepares have been made.</param>
    /// <returns>Key and path of what it has not: other rules need not look there.</returns>
    public static IReadOnlyList<(string Key, string Path)> CheckThere(LoadedConfiguration loaded, Problems problems, bool prepared)
    {
        bool IsData((string Key, string Path) named) => named.Key.StartsWith("coin.data.", StringComparison.Ordinal);
        var made = prepared || loaded.Preparation is null;
        var absent = LocalPaths
            .Named(loaded.Here)
            .Where(named => (made || !IsData(named)) && !File.Exists(named.Path) && !Directory.Exists(named.Path))
            .ToList();
        if (absent.TrueForAll(IsData))
        {
            CheckModel(loaded, problems);
        }

        if (made && !absent.Exists(IsData))
        {
            CheckData(loaded.Here, problems);
        }

        CheckCertificate(loaded.Node, problems);
        return absent;
    }

    /// <summary>Checks that the two folders with samples and images are there; not what is in them.</summary>
    /// <exception cref="CoinException">One is not; the message names key, path and remedy.</exception>
    public static void CheckDataFolders(ExperimentOptions options)
    {
        var problems = new Problems();
        _ = HasDataFolders(options.Data, problems);
        problems.ThrowIfAny("The experiment's data");
    }

    internal static void CheckModel(LoadedConfiguration loaded, Problems problems)
    {
        var (options, model) = (loaded.Here, loaded.Here.Model);
        CheckFolder("coin.model.path", model.Path, Remedy(loaded.Preparation, model.Path), problems);
        CheckFolder("coin.model.language", model.Language, Download, problems);
        if (!File.Exists(model.VisionTower))
        {
            CheckFolder("coin.model.vision-tower", model.VisionTower, Download, problems);
        }

        if (model.Projector is not null && !File.Exists(model.Projector))
        {
            problems.Add(
                $"coin.model.projector: the file {model.Projector} {Absent(model.Projector)}. Download it or correct the path.",
                "coin.model.projector"
            );
        }

        if (options.Lora.From is { } adapter && !File.Exists(adapter) && !File.Exists(Path.Combine(adapter, AdapterFiles.Config)))
        {
            problems.Add(
                $"coin.lora.from: {adapter} holds no {AdapterFiles.Config}. Name the folder of an adapter in PEFT's format, or the file of a MiniGPT-v2 stage.",
                "coin.lora.from"
            );
        }
    }

    /// <summary>Opens a node's certificate once, so that what is wrong with it is told before anything starts.</summary>
    internal static void CheckCertificate(NodeSettings node, Problems problems)
    {
        if (node.Placement is NodePlacement.Cluster { Certificate: { } certificate, Hostname: var host })
        {
            problems.Try(() => certificate.Check(host), "coin.node.certificate");
        }
    }

    /// <summary>
    /// The miniature's models are made, as its data are. A folder that is called as in its recipes, <c>mini-qwen-vl</c>, says of which
    /// family.
    /// </summary>
    private static string Remedy(string? preparation, string path)
    {
        var name = Path.GetFileName(path);
        return preparation != "mini"
            ? Download
            : $"Make it with ./run.sh mini pretrain{(name.StartsWith("mini-", StringComparison.Ordinal) ? $" --family {name["mini-".Length..]}" : "")} --out {path}";
    }

    private static void CheckFolder(string key, string? path, string remedy, Problems problems)
    {
        if (path is null or "")
        {
            return;
        }

        if (!Directory.Exists(path))
        {
            problems.Add($"{key}: the folder {path} {Absent(path)}. {remedy} or correct the path.", key);
        }
        else if (
            !File.Exists(Path.Combine(path, "config.json")) && !(key == "coin.model.path" && Directory.Exists(Path.Combine(path, "llama")))
        )
        {
            problems.Add($"{key}: {path} holds no config.json. Name a Hugging Face model folder.", key);
        }
    }

    internal static void CheckData(ExperimentOptions options, Problems problems)
    {
        if (!HasDataFolders(options.Data, problems))
        {
            return;
        }

        var curriculum = options.Curriculum();
        foreach (var (place, task) in options.Tasks.Index().Where(pair => pair.Item.Folder.Length > 0))
        {
            if (curriculum.Learns(place))
            {
                CheckFile(options, task, task.TrainFile, "train-file", problems);
                if (task.ValidationFile is { } validation)
                {
                    CheckFile(options, task, validation, "validation-file", problems);
                }
            }

            CheckFile(options, task, task.TestFile, "test-file", problems);
            if (task.ReferencesFile is { } references)
            {
                CheckFile(options, task, references, "references-file", problems);
            }
        }
    }

    /// <summary>Notes folders that are missing.</summary>
    /// <returns>Whether the instructions' folder is there.</returns>
    private static bool HasDataFolders(DataOptions data, Problems problems)
    {
        if (data.Images.Length > 0 && !Directory.Exists(data.Images))
        {
            problems.Add(
                $"coin.data.images: the folder {data.Images} {Absent(data.Images)}. Name the folder to which the samples' image paths are relative.",
                "coin.data.images"
            );
        }

        if (data.Instructions.Length == 0)
        {
            return false;
        }

        if (!Directory.Exists(data.Instructions))
        {
            problems.Add(
                $"coin.data.instructions: the folder {data.Instructions} {Absent(data.Instructions)}. Name the folder with one folder per task.",
                "coin.data.instructions"
            );
            return false;
        }

        return true;
    }

    /// <summary>What is there where a file or folder of the other kind is expected.</summary>
    private static string Absent(string path) =>
        Directory.Exists(path) ? "is a folder, not a file"
        : File.Exists(path) ? "is a file, not a folder"
        : "does not exist";

    private static void CheckFile(ExperimentOptions options, TaskOptions task, string file, string key, Problems problems)
    {
        var path = Path.Combine(options.Data.Instructions, task.Folder, file);
        if (!File.Exists(path))
        {
            problems.Add(
                $"coin.tasks.{task.Name}.{key}: the file {path} {Absent(path)}.{SampleFiles.CandidatesSentence(path)} "
                    + $"Put it there, correct coin.tasks.{task.Name}.folder or .{key}, or leave {task.Name} out of coin.order.",
                $"coin.tasks.{task.Name}.{key}"
            );
        }
    }
}
