using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Models.Torch;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Qwen2;

/// <summary>
/// Opens local judges. A model is loaded once for each device, shared by all who open it, and given back with the last of them.
/// </summary>
/// <param name="warn">Receives sentences about what is unusual but not wrong: tensors that only an index names.</param>
/// <param name="paths">Where this host has the models; null where options say.</param>
public sealed class LocalJudgeFactory(Action<string> warn, LocalPaths? paths = null) : IJudgeFactory
{
    private const string DtypeKey = "judge.dtype";

    private readonly Lock gate = new();
    private readonly Dictionary<(string Path, string Device, string Dtype), Shared> models = [];

    /// <inheritdoc/>
    public void Check(JudgeOptions options)
    {
        TorchLibrary.ThrowIfUnusable();
        _ = TorchNames.Dtype(options.Dtype, DtypeKey);
        var path = PathOf(options);
        var settings = Qwen2Settings.Read(path);
        Qwen2Model.LoadLanguage(path, settings.Config, ScalarType.Float32, new Device(TorchSharp.DeviceType.META), warn).Dispose();
    }

    /// <inheritdoc/>
    public IJudge Open(JudgeOptions options, string device, int threads)
    {
        TorchLibrary.ThrowIfUnusable();

        // Torch keeps this number for each thread; a worker's thread has to set it itself, and first.
        set_num_threads(threads);
        var key = (PathOf(options), device, options.Dtype);
        Shared shared;
        lock (gate)
        {
            if (!models.TryGetValue(key, out shared!))
            {
                models[key] = shared = new Shared(
                    new Lazy<Qwen2Model>(() =>
                        Qwen2Model.Load(key.Item1, TorchNames.Dtype(options.Dtype, DtypeKey), TorchNames.Device(device), warn)
                    )
                );
            }

            shared.Users++;
        }

        try
        {
            return new LocalJudge(shared.Model.Value, options, () => Release(key, shared));
        }
        catch
        {
            Release(key, shared);
            throw;
        }
    }

    private string PathOf(JudgeOptions options) =>
        options.Path is { Length: > 0 } path
            ? Path.GetFullPath(paths?.Here(path) ?? path)
            : throw new CoinException($"The judge {options.Name} is local but has no model. Set judge.path to a Hugging Face folder.");

    private void Release((string, string, string) key, Shared shared)
    {
        lock (gate)
        {
            if (--shared.Users > 0)
            {
                return;
            }

            models.Remove(key);
        }

        if (shared.Model.IsValueCreated)
        {
            shared.Model.Value.Dispose();
            HeapPolicy.GiveBack();
        }
    }

    private sealed class Shared(Lazy<Qwen2Model> model)
    {
        public Lazy<Qwen2Model> Model { get; } = model;

        public int Users { get; set; }
    }
}
