using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using CoIN.Models.Llava;
using CoIN.Models.Sequences;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Inspection;

/// <summary>Finds everything that would end a run as soon as it loads its model. Reads settings and headers; weights are not loaded.</summary>
public static class ModelCheck
{
    /// <summary>The keys of the configuration that say where a model is.</summary>
    private static readonly string[] ModelKeys = ["coin.model.path", "coin.model.language", "coin.model.vision-tower", "coin.model.projector"];

    /// <summary>Notes what is wrong with model, adapter and devices.</summary>
    /// <param name="devices">Devices that this process is to use; none for a look from another host.</param>
    /// <param name="problems">Where it holds problems of the keys that name the model, the model is not looked at.</param>
    /// <param name="warn">Receives sentences about what is unusual but not wrong.</param>
    public static void Check(ExperimentOptions options, IReadOnlyList<string> devices, Problems problems, Action<string> warn)
    {
        problems.Try(() => ConversationTemplates.Get(options.Model.Conversation), "coin.model.conversation");
        if (!problems.Try(TorchLibrary.ThrowIfUnusable))
        {
            return;
        }

        foreach (var device in problems.Concern("coin.node.devices") ? [] : devices)
        {
            problems.Try(() => TorchNames.Device(device), "coin.node.devices");
        }

        if (!ModelKeys.Any(problems.Concern) && problems.Try(() => LlavaSource.Of(options.Model), "coin.model.path") is { } source)
        {
            Check(source, options, problems, warn);
        }
    }

    private static void Check(LlavaSource source, ExperimentOptions options, Problems problems, Action<string> warn)
    {
        var (config, _, _) = LlavaBase.ReadSettings(source, problems);
        var whole = true;
        foreach (var path in new[] { source.Language, source.VisionTower, source.Projector }.OfType<string>().Distinct())
        {
            whole &= Readable(path, problems);
        }

        var adapter = problems.Concern("coin.lora.from") ? null : options.Lora.From;
        if (whole && config is not null)
        {
            problems.Try(() => CheckShapes(source, options, adapter, problems, warn));
        }
        else if (adapter is not null)
        {
            problems.Try(() => PeftWeights.Open(adapter).Dispose(), "coin.lora.from");
        }
    }

    /// <summary>Opens every file by itself: each may be broken in its own way.</summary>
    private static bool Readable(string path, Problems problems)
    {
        var before = problems.Count;
        foreach (var file in problems.Try(() => WeightFiles.Locate(path))?.Paths ?? [])
        {
            problems.Try(() => TensorFiles.Open(file).Dispose());
        }

        return problems.Count == before;
    }

    /// <summary>Builds model and adapter without values.</summary>
    private static void CheckShapes(LlavaSource source, ExperimentOptions options, string? adapter, Problems problems, Action<string> warn)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var checkpoint = LlavaCheckpoint.Open(source);
        using var model = checkpoint.Build(ScalarType.Float32, new Device(TorchSharp.DeviceType.META));
        problems.Try(() => checkpoint.FinishUsed(warn));
        var trains = problems.Concern("coin.method") || options.Curriculum().Trained.Count > 0;
        if (adapter is not null)
        {
            var kind = AdapterKinds.In(adapter);
            problems.Try(
                () => (trains ? kind.ReadToTrain(adapter, model.Language, model.Projector, options.Lora) : kind.Read(adapter, model.Language, model.Projector)).Dispose(),
                "coin.lora.from");
        }
        else if (trains && options.Lora.TrainProjector)
        {
            problems.Try(() => model.Projector.TrainableCopy().Dispose(), "coin.lora.train-projector");
        }
    }
}
