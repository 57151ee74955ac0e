using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Models.Conversation;
using CoIN.Models.Generation;
using CoIN.Models.Imaging;
using CoIN.Models.Tokenization;
using CoIN.Models.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Llava;

/// <summary>Makes LLaVA learners; a device's base model is loaded once and shared by all who open it.</summary>
/// <param name="warn">Receives sentences about what is unusual but not wrong: unused tensors, samples without an answer.</param>
public sealed class LlavaLearnerFactory(Action<string> warn) : ILearnerFactory, IDisposable
{
    private readonly ConcurrentDictionary<(string Path, string Dtype, string Device), Lazy<LlavaBase>> bases = new();

    /// <inheritdoc/>
    public ILearner Open(ExperimentOptions options, string device, int threads)
    {
        // Torch keeps this number for each thread; a worker's thread has to set it itself, and first.
        set_num_threads(threads);
        var model = options.Model;
        var shared = bases.GetOrAdd((model.Path, model.Dtype, device), key => new Lazy<LlavaBase>(() => LlavaBase.Load(key.Path, key.Dtype, key.Device, warn)));
        return new LlavaLearner(shared.Value, options, warn);
    }

    /// <summary>Checks a model folder without loading its weights.</summary>
    /// <exception cref="CoinException">Something of the folder is missing or does not fit together.</exception>
    public static void Validate(ModelOptions options)
    {
        _ = LlavaBase.ReadSettings(options.Path);
        _ = ConversationTemplates.Get(options.Conversation);
        _ = LlavaBase.ParseDtype(options.Dtype);
    }

    public void Dispose()
    {
        foreach (var shared in bases.Values.Where(shared => shared.IsValueCreated))
        {
            shared.Value.Features.Dispose();
            shared.Value.Model.Dispose();
        }
    }
}

/// <summary>A base model with its tokenizer and image processor.</summary>
internal sealed record LlavaBase(LlavaModel Model, SentencePieceTokenizer Tokenizer, ClipImageProcessor Images, string Sha256)
{
    /// <summary>Features of test pictures, for all sessions on the device.</summary>
    public FeatureCache Features { get; } = new(Model.Vision, Model.Device);

    public static LlavaBase Load(string path, string dtype, string device, Action<string> warn)
    {
        var (config, tokenizer, images) = ReadSettings(path);
        var model = LlavaCheckpoint.Load(path, ParseDtype(dtype), ParseDevice(device), warn);
        return new LlavaBase(model, tokenizer, images, Hash(path));
    }

    /// <summary>Reads everything but the weights and checks that it fits together.</summary>
    public static (LlavaConfig Config, SentencePieceTokenizer Tokenizer, ClipImageProcessor Images) ReadSettings(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new CoinException($"There is no model folder {path}. Check model.path.");
        }

        var config = LlavaCheckpoint.IsParts(path)
            ? LlavaConfig.ReadParts(Path.Combine(path, "llama"), Path.Combine(path, "clip"))
            : LlavaConfig.ReadHub(path);
        var folders = LlavaCheckpoint.SettingsFolders(path);
        var tokenizer = SentencePieceTokenizer.Load(Path.Combine(folders.Tokenizer, "tokenizer.model"));
        if (tokenizer.PieceCount > config.Text.VocabularySize)
        {
            throw new CoinException(
                $"{Path.Combine(folders.Tokenizer, "tokenizer.model")} has {tokenizer.PieceCount} pieces but the model's vocabulary has " +
                $"{config.Text.VocabularySize} (config.json). Use the tokenizer that belongs to these weights.");
        }

        var images = ClipImageProcessor.Load(Path.Combine(folders.ImageProcessor, "preprocessor_config.json"));
        if (images.Size != config.Vision.ImageSize)
        {
            throw new CoinException(
                $"{Path.Combine(folders.ImageProcessor, "preprocessor_config.json")} makes pictures of {images.Size} pixels but the vision tower " +
                $"takes {config.Vision.ImageSize} (config.json). Use the files of one checkpoint.");
        }

        return (config, tokenizer, images);
    }

    public static ScalarType ParseDtype(string dtype) => dtype switch
    {
        "float32" => ScalarType.Float32,
        "bfloat16" => ScalarType.BFloat16,
        "float16" => ScalarType.Float16,
        _ => throw new CoinException($"model.dtype is {dtype}; possible are float32, bfloat16 and float16."),
    };

    private static Device ParseDevice(string device)
    {
        if (device.StartsWith("cuda", StringComparison.Ordinal) && !cuda.is_available())
        {
            throw new CoinException($"Device {device} is configured but this libtorch sees no CUDA device. Use device cpu, or a libtorch with CUDA on a GPU host.");
        }

        try
        {
            return torch.device(device);
        }
        catch (Exception e) when (e is ArgumentException or FormatException)
        {
            throw new CoinException($"'{device}' is not a device. Devices are cpu, cuda:0, cuda:1, …", e);
        }
    }

    private static string Hash(string path)
    {
        var files = Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".safetensors" or ".json" or ".model")
            .Select(file => (Name: Path.GetRelativePath(path, file).Replace('\\', '/'), File: file))
            .OrderBy(pair => pair.Name, StringComparer.Ordinal);
        var lines = files.Select(pair => $"{Durable.Sha256(pair.File)}  {pair.Name}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }
}

/// <summary>A LLaVA base model on one device.</summary>
internal sealed class LlavaLearner(LlavaBase shared, ExperimentOptions options, Action<string> warn) : ILearner
{
    private readonly PromptBuilder prompts = new(
        shared.Tokenizer, ConversationTemplates.Get(options.Model.Conversation), options.Model.MaxLength);

    private readonly ImageLoader images = new(
        options.Data.Images, shared.Images.Size, path => shared.Images.Process(path, ImageMode.Pad));

    public string BaseModelSha256 => shared.Sha256;

    public ITrainingSession OpenTraining(StageTraining stage) => new LlavaTrainingSession(shared.Model, options, stage, prompts, images, warn);

    public IGenerationSession OpenGeneration(string? adapter) =>
        new LlavaGenerationSession(shared.Model, options, adapter, prompts, new TestPictures(options, images, shared.Features), shared.Tokenizer.EndOfSequence);

    public void Dispose()
    {
        // The base model is the factory's.
    }
}
