using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Models.Checkpoints;
using CoIN.Models.Generation;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using CoIN.Models.Torch;
using CoIN.Models.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Llava;

/// <summary>Makes LLaVA learners; a device's base model is loaded once and shared by all who open it.</summary>
/// <param name="warn">Receives sentences about what is unusual but not wrong: tensors that only an index names, samples without an answer.</param>
public sealed class LlavaLearnerFactory(Action<string> warn) : ILearnerFactory, IDisposable
{
    private readonly ConcurrentDictionary<(string Source, string Dtype, string Device), Lazy<LlavaBase>> bases = new();

    // A picture comes again in every stage.
    private readonly ConcurrentDictionary<string, bool> told = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public ILearner Open(ExperimentOptions options, string device, int threads)
    {
        TorchLibrary.ThrowIfUnusable();

        // Torch keeps this number for each thread; a worker's thread has to set it itself, and first.
        set_num_threads(threads);
        var model = options.Model;
        var source = LlavaSource.Of(model);
        var shared = bases.GetOrAdd((source.Name, model.Dtype, device), key => new Lazy<LlavaBase>(() => LlavaBase.Load(source, key.Dtype, key.Device, warn)));
        return new LlavaLearner(shared.Value, options, WarnOnce);
    }

    private void WarnOnce(string sentence)
    {
        if (told.TryAdd(sentence, true))
        {
            warn(sentence);
        }
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
    public FeatureCache Features { get; } = new(Model);

    public static LlavaBase Load(LlavaSource source, string dtype, string device, Action<string> warn)
    {
        var (_, tokenizer, images) = ReadSettings(source);
        var (type, place) = (TorchNames.Dtype(dtype), TorchNames.Device(device));
        var (model, sha256) = HashedLoad.Run(stop => Hash(source, stop), () => LlavaCheckpoint.Load(source, type, place, warn));
        return new LlavaBase(model, tokenizer, images, sha256);
    }

    /// <summary>Reads everything but the weights and checks that it fits together.</summary>
    /// <exception cref="CoinException">It does not; the message says all that is wrong.</exception>
    public static (LlavaConfig Config, SentencePieceTokenizer Tokenizer, ClipImageProcessor Images) ReadSettings(LlavaSource source)
    {
        var problems = new Problems();
        var (config, tokenizer, images) = ReadSettings(source, problems);
        problems.ThrowIfAny(source.Name);
        return (config!, tokenizer!, images!);
    }

    /// <summary>As <see cref="ReadSettings(LlavaSource)"/>, with what is wrong among the problems.</summary>
    /// <returns>What could be read.</returns>
    public static (LlavaConfig? Config, SentencePieceTokenizer? Tokenizer, ClipImageProcessor? Images) ReadSettings(LlavaSource source, Problems problems)
    {
        var config = problems.Try(() => LlavaConfig.Read(source));
        var tokenizer = problems.Try(() => SentencePieceTokenizer.Load(Path.Combine(source.Language, "tokenizer.model")));
        var images = problems.Try(() => ClipImageProcessor.Load(source.VisionTower));
        if (config is not null && tokenizer?.PieceCount > config.Text.VocabularySize)
        {
            problems.Add(
                $"{Path.Combine(source.Language, "tokenizer.model")} has {tokenizer.PieceCount} pieces but the model's vocabulary has " +
                $"{config.Text.VocabularySize} (config.json). Use the tokenizer that belongs to these weights.");
        }

        if (config is not null && images is not null && images.Size != config.Vision.ImageSize)
        {
            problems.Add(
                $"{string.Join(", ", ImageSettings.FilesOf(source.VisionTower))} makes pictures of {images.Size} pixels but the vision tower " +
                $"takes {config.Vision.ImageSize} (config.json). Use the files of one checkpoint.");
        }

        return (config, tokenizer, images);
    }

    /// <summary>Over every file that was loaded, and the settings beside them.</summary>
    private static string Hash(LlavaSource source, CancellationToken stop)
    {
        var weights = new[] { source.Language, source.VisionTower, source.Projector }.OfType<string>().SelectMany(path => WeightFiles.Locate(path).All)
            .Select(Path.GetFullPath).ToHashSet(StringComparer.Ordinal);
        var lines = source.Roots
            .SelectMany(root => Files(root.Path).Select(file => (
                Name: root.Name + (file == root.Path ? "" : Path.GetRelativePath(root.Path, file).Replace('\\', '/')), File: file)))
            .Where(pair => weights.Contains(Path.GetFullPath(pair.File)) || Path.GetExtension(pair.File) is ".json" or ".model")
            .OrderBy(pair => pair.Name, StringComparer.Ordinal)
            .Select(pair => $"{Durable.Sha256(pair.File, stop)}  {pair.Name}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }

    private static IEnumerable<string> Files(string root) => File.Exists(root) ? [root] : Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories);
}

/// <summary>A LLaVA base model on one device.</summary>
internal sealed class LlavaLearner(LlavaBase shared, ExperimentOptions options, Action<string> warn) : ILearner
{
    private readonly PromptBuilder prompts = new(
        shared.Tokenizer, ConversationTemplates.Get(options.Model.Conversation), options.Model.MaxLength);

    private readonly ImageLoader images = new(
        options.Data.Images, shared.Images.Size, path => shared.Images.Process(path, ImageMode.Pad, warn));

    public string BaseModelSha256 => shared.Sha256;

    /// <summary>The first stage begins with the adapter that the options name, if they do.</summary>
    public ITrainingSession OpenTraining(StageTraining stage) => new TrainingSession(
        shared.Model, options, stage with { Adapter = stage.Adapter ?? options.Lora.From }, prompts, images, warn);

    /// <summary>What answers without a stage's adapter is what the first stage would begin with: the adapter that the options name, or the base model alone.</summary>
    public IGenerationSession OpenGeneration(string? adapter) =>
        new GenerationSession(shared.Model, options, adapter ?? options.Lora.From, prompts, new TestPictures(options, images, shared.Features));

    public void Dispose()
    {
        // The base model is the factory's.
    }
}
