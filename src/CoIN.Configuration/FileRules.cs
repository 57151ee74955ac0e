using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;

namespace CoIN.Configuration;

/// <summary>Whether the folders and files that an experiment needs are there, before anything is loaded.</summary>
public static class FileRules
{
    /// <summary>Checks model, data folders and every task's files.</summary>
    /// <exception cref="CoinException">Something is missing; the message lists everything, with key, path and remedy.</exception>
    public static void Check(ExperimentOptions options)
    {
        var problems = new Problems();
        CheckModel(options, problems);
        CheckData(options, problems);
        problems.ThrowIfAny("The experiment's files");
    }

    /// <summary>Checks that the two folders with samples and images are there; not what is in them.</summary>
    /// <exception cref="CoinException">One is not; the message names key, path and remedy.</exception>
    public static void CheckDataFolders(ExperimentOptions options)
    {
        var problems = new Problems();
        _ = HasDataFolders(options.Data, problems);
        problems.ThrowIfAny("The experiment's data");
    }

    internal static void CheckModel(ExperimentOptions options, Problems problems)
    {
        var model = options.Model;
        CheckFolder("coin.model.path", model.Path, problems);
        CheckFolder("coin.model.language", model.Language, problems);
        if (!File.Exists(model.VisionTower))
        {
            CheckFolder("coin.model.vision-tower", model.VisionTower, problems);
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

    private static void CheckFolder(string key, string? path, Problems problems)
    {
        if (path is null or "")
        {
            return;
        }

        if (!Directory.Exists(path))
        {
            problems.Add($"{key}: the folder {path} {Absent(path)}. Download the model into it or correct the path.", key);
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
