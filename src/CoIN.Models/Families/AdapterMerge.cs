using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using CoIN.Models.Torch;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families;

/// <summary>
/// Folds an adapter into its base model and writes the result as a folder. Tensor by tensor: memory is needed for one at a time, and what
/// the adapter does not touch is copied as it is. A family says where its tensors are and go, and what lies beside them.
/// </summary>
internal abstract class AdapterMerge
{
    private const long LargestShard = 5_000_000_000;

    private sealed record LinearShape(int Layer, string Part, int In, int Out);

    /// <summary>The model's opened files.</summary>
    protected abstract IEnumerable<CheckpointFolder> Parts { get; }

    /// <summary>The one that has the adapted maps.</summary>
    protected abstract CheckpointFolder Language { get; }

    /// <summary>What stands before a layer's number in the names of its weights.</summary>
    protected abstract string Layers { get; }

    /// <summary>The language model on the meta device, which belongs to the caller of <see cref="Write"/>.</summary>
    protected abstract DecoderModel Shapes { get; }

    /// <summary>A tensor of the language model, in whose type the model is stored.</summary>
    protected abstract string Typical { get; }

    /// <summary>Looks whether a merged model may be written to a folder, before anything large is read.</summary>
    /// <exception cref="CoinException">There is something in it.</exception>
    public static void CheckOutput(string output)
    {
        if (File.Exists(output) || (Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any()))
        {
            throw new CoinException($"{output} exists and is not empty. Name a new folder for the merged model.");
        }
    }

    /// <summary>Writes the merged folder, whole or not at all.</summary>
    /// <param name="path">The adapter, in PEFT's format.</param>
    /// <param name="output">A folder that does not exist or is empty.</param>
    /// <param name="dtypeName">float32, bfloat16 or float16; null for the type in which the language model is stored.</param>
    /// <param name="tell">Receives sentences about what is left out.</param>
    /// <exception cref="CoinException">
    /// A file is missing or damaged, the adapter does not fit the model, or the folder is not empty.
    /// </exception>
    public void Write(string path, string output, string? dtypeName, Action<string> tell)
    {
        CheckOutput(output);
        using var noGrad = no_grad();
        using var adapter = PeftWeights.Open(path);
        adapter.Config.RequireLora();
        var linears = Shapes
            .Layers.SelectMany(
                (layer, i) =>
                    layer.Linears.SelectMany(linear => linear.Parts.Select(part => new LinearShape(i, part.Name, linear.In, part.Out)))
            )
            .ToDictionary(linear => $"{Layers}{linear.Layer}.{linear.Part}.weight", StringComparer.Ordinal);
        Check(adapter, linears.Values);
        FinishUsed(tell);
        var dtype = dtypeName is null ? Language.Describe(Typical).Dtype : TorchNames.Dtype(dtypeName);
        var tensors = new Dictionary<string, PendingTensor>(StringComparer.Ordinal);
        foreach (var part in Parts)
        {
            var left = new List<string>();
            foreach (var name in part.Names)
            {
                if (Target(part, name) is { } target)
                {
                    tensors.Add(target, Pending(part, name, dtype, part == Language ? linears.GetValueOrDefault(name) : null, adapter));
                }
                else
                {
                    left.Add(name);
                }
            }

            if (left.Count > 0)
            {
                tell($"{part.Path}: {left.Count} tensor(s) have no place in the merged model and are left out: {NameList.Of(left)}");
            }
        }

        foreach (var (name, tensor) in Further(dtype))
        {
            tensors.Add(name, tensor);
        }

        Durable.WriteFolder(output, temporary =>
        {
            ShardedCheckpoint.Write(temporary, tensors, LargestShard);
            WriteBeside(temporary, dtype);
        });
    }

    /// <summary>
    /// The type in every place where a configuration says it: transformers since 4.56 calls it dtype, older versions torch_dtype, each also
    /// in the parts.
    /// </summary>
    protected static void SayDtype(JObject config, ScalarType dtype)
    {
        var said = config.Descendants().OfType<JProperty>().Where(property => property.Name is "torch_dtype" or "dtype").ToList();
        said.ForEach(property => property.Value = TorchNames.Of(dtype));
        if (!said.Exists(property => property.Parent == config))
        {
            config["torch_dtype"] = TorchNames.Of(dtype);
        }
    }

    protected static void Copy(IEnumerable<string> files, string folder)
    {
        foreach (var file in files.Where(File.Exists))
        {
            Durable.Write(Path.Combine(folder, Path.GetFileName(file)), target =>
            {
                using var from = File.OpenRead(file);
                from.CopyTo(target);
            });
        }
    }

    /// <summary>Settles the accounts of the model's files.</summary>
    protected abstract void FinishUsed(Action<string> tell);

    /// <summary>A tensor's name in the merged folder.</summary>
    /// <returns>Null for one that is left out.</returns>
    protected virtual string? Target(CheckpointFolder part, string name) => name;

    /// <summary>Takes a trained projector, so that it is known to fit.</summary>
    protected virtual void TakeProjector(PeftWeights adapter) { }

    /// <summary>The adapter's own tensor in the place of a base projector's; null for others.</summary>
    protected virtual Tensor? Trained(PeftWeights adapter, CheckpointFolder part, string name) => null;

    /// <summary>Rows that a tensor has in the merged folder; null for as many as it has.</summary>
    protected virtual long? Rows(CheckpointFolder part, string name) => null;

    /// <summary>Tensors that none of the model's files holds.</summary>
    protected virtual IEnumerable<(string Name, PendingTensor Tensor)> Further(ScalarType dtype) => [];

    /// <summary>Writes configuration, tokenizer and whatever else lies beside the weights.</summary>
    protected abstract void WriteBeside(string folder, ScalarType dtype);

    /// <summary>
    /// Takes every matrix once, so that what is missing, left over or of a wrong shape is told before anything is written.
    /// </summary>
    private void Check(PeftWeights adapter, IEnumerable<LinearShape> linears)
    {
        using var scope = NewDisposeScope();
        foreach (var linear in linears)
        {
            if (adapter.Take(linear.Layer, linear.Part, linear.In, linear.Out) is { } pair)
            {
                pair.A.Dispose();
                pair.B.Dispose();
            }
        }

        TakeProjector(adapter);
        adapter.Finish();
    }

    private PendingTensor Pending(CheckpointFolder part, string name, ScalarType dtype, LinearShape? linear, PeftWeights adapter)
    {
        var description = part.Describe(name);
        var type = description.Dtype is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float64
            ? dtype
            : description.Dtype;
        var rows = Rows(part, name);
        return new PendingTensor(
            new TensorDescription(type, rows is null ? description.Shape : [rows.Value, .. description.Shape.Skip(1)]),
            () =>
            {
                using var scope = NewDisposeScope();
                using var noGrad = no_grad();

                // What was read belongs to no scope; left to the finalizer, gigabytes would wait for it.
                var tensor = Trained(adapter, part, name) ?? part.Read(name);
                scope.Attach(tensor);
                if (linear is not null && adapter.Take(linear.Layer, linear.Part, linear.In, linear.Out) is { } pair)
                {
                    tensor = tensor
                        .to(ScalarType.Float32)
                        .add(pair.B.matmul(pair.A).mul(Scalars.Of(adapter.Config.Alpha / adapter.Config.Rank)), Scalars.One);
                }

                return Padded(tensor, rows).to(type).DetachFromDisposeScope();
            }
        );
    }

    /// <summary>Rows that are added hold the mean of the others: their logit is the mean of all logits and so never the largest.</summary>
    private static Tensor Padded(Tensor tensor, long? rows) =>
        rows is null || rows == tensor.size(0)
            ? tensor
            : cat(
                [tensor, tensor.to(ScalarType.Float32).mean([0], keepdim: true).to(tensor.dtype).expand(rows.Value - tensor.size(0), -1)],
                0
            );
}
