using CoIN.Models.Checkpoints;
using CoIN.Models.Kernels;
using CoIN.Models.Llava;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace CoIN.Models.Modules;

/// <summary>
/// CLIP's vision transformer (Radford et al. 2021) as LLaVA uses it: the hidden state of one of its layers is the picture's features.
/// Layers above that one are not loaded.
/// </summary>
internal sealed class ClipVisionTower : IDisposable
{
    private const int PositionsTogether = 1024;

    private readonly ClipConfig config;
    private readonly bool keepClassToken;
    private readonly Tensor classEmbedding;
    private readonly Tensor patchEmbedding;
    private readonly Tensor positionEmbedding;
    private readonly LayerNorm preNorm;
    private readonly Layer[] layers;

    /// <summary>Takes the tower out of a checkpoint.</summary>
    /// <param name="prefix">E.g. <c>vision_tower.vision_model.</c>.</param>
    public ClipVisionTower(CheckpointFolder checkpoint, string prefix, LlavaConfig llava, ScalarType dtype, Device device)
    {
        config = llava.Vision;
        keepClassToken = llava.KeepClassToken;
        int size = config.HiddenSize;
        using var scope = NewDisposeScope();
        classEmbedding = checkpoint.Take($"{prefix}embeddings.class_embedding", dtype, device, size).DetachFromDisposeScope();
        patchEmbedding = checkpoint.Take($"{prefix}embeddings.patch_embedding.weight", dtype, device, size, 3, config.PatchSize, config.PatchSize).DetachFromDisposeScope();
        positionEmbedding = checkpoint.Take($"{prefix}embeddings.position_embedding.weight", dtype, device, config.Patches + 1, size).DetachFromDisposeScope();

        // The spelling is the checkpoints' own.
        preNorm = new LayerNorm(checkpoint, $"{prefix}pre_layrnorm", config, dtype, device);
        var used = llava.FeatureLayer < 0 ? config.Layers + 1 + llava.FeatureLayer : llava.FeatureLayer;
        layers = [.. Enumerable.Range(0, used).Select(i => new Layer(checkpoint, $"{prefix}encoder.layers.{i}.", config, dtype, device))];
        checkpoint.Ignore(name =>
            name.StartsWith($"{prefix}post_layernorm.", StringComparison.Ordinal) ||
            name == $"{prefix}embeddings.position_ids" ||
            Enumerable.Range(used, config.Layers - used).Any(i => name.StartsWith($"{prefix}encoder.layers.{i}.", StringComparison.Ordinal)));
    }

    /// <summary>
    /// Pictures that are worth computing together: more than one only where a picture's features are the same bits in any company, and where one alone is little work.
    /// </summary>
    public int PicturesTogether => CpuKernels.Serve(patchEmbedding.dtype, patchEmbedding.device) ? (int)Math.Max(1, PositionsTogether / (config.Patches + 1)) : 1;

    /// <summary>Features of pictures.</summary>
    /// <param name="pixels">[pictures, 3, size, size], normalized.</param>
    /// <returns>[pictures, image tokens, hidden size].</returns>
    public Tensor Forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var x = Embed(pixels);
        foreach (var layer in layers)
        {
            // Without a graph, nothing but the latest state is needed any more.
            using var below = x;
            x = layer.Forward(below);
        }

        return (keepClassToken ? x : x.narrow(1, 1, config.Patches)).MoveToOuterDisposeScope();
    }

    /// <summary>All hidden states up to the features' layer, the embeddings after their norm first; each [pictures, patches + 1, hidden size].</summary>
    internal IReadOnlyList<Tensor> HiddenStates(Tensor pixels)
    {
        var states = new List<Tensor> { Embed(pixels) };
        foreach (var layer in layers)
        {
            states.Add(layer.Forward(states[^1]));
        }

        return states;
    }

    /// <summary>Every weight by its name in the checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix)
    {
        yield return ($"{prefix}embeddings.class_embedding", classEmbedding);
        yield return ($"{prefix}embeddings.patch_embedding.weight", patchEmbedding);
        yield return ($"{prefix}embeddings.position_embedding.weight", positionEmbedding);
        foreach (var named in preNorm.Named($"{prefix}pre_layrnorm"))
        {
            yield return named;
        }

        for (var i = 0; i < layers.Length; i++)
        {
            foreach (var named in layers[i].Named($"{prefix}encoder.layers.{i}."))
            {
                yield return named;
            }
        }
    }

    /// <summary>The tensors as they are held (fused ones once): what an optimizer of the whole tower updates.</summary>
    public IEnumerable<Tensor> Parameters() =>
        [classEmbedding, patchEmbedding, positionEmbedding, preNorm.Weight, preNorm.Bias, .. layers.SelectMany(layer => layer.Parameters())];

    public void Dispose()
    {
        foreach (var tensor in Parameters())
        {
            tensor.Dispose();
        }
    }

    private Tensor Embed(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        var pictures = pixels.size(0);
        var patches = CpuKernels.Serve([patchEmbedding, pixels]) && config.ImageSize % config.PatchSize == 0
            ? Patches(pixels) : F.conv2d(pixels.to(patchEmbedding.dtype), patchEmbedding, strides: [config.PatchSize, config.PatchSize]).flatten(2).transpose(1, 2);
        var x = cat([classEmbedding.expand(pictures, 1, -1), patches], 1).add(positionEmbedding, Scalars.One);
        return preNorm.Forward(x).MoveToOuterDisposeScope();
    }

    /// <summary>The patches' embeddings as a product: a convolution whose patches do not overlap.</summary>
    private Tensor Patches(Tensor pixels)
    {
        long side = config.PatchSize, across = config.ImageSize / side;
        var patches = pixels.reshape(-1, 3, across, side, across, side).permute(0, 2, 4, 1, 3, 5).reshape(pixels.size(0), across * across, -1);
        return MatrixProduct.Linear(patches, patchEmbedding.view(config.HiddenSize, -1), null);
    }

    private sealed class LayerNorm(CheckpointFolder checkpoint, string name, ClipConfig config, ScalarType dtype, Device device)
    {
        public Tensor Weight { get; } = checkpoint.Take($"{name}.weight", dtype, device, config.HiddenSize).DetachFromDisposeScope();

        public Tensor Bias { get; } = checkpoint.Take($"{name}.bias", dtype, device, config.HiddenSize).DetachFromDisposeScope();

        public Tensor Forward(Tensor x) => CpuKernels.Serve([x, Weight, Bias])
            ? RowKernels.LayerNorm(x, Weight, Bias, config.LayerNormEps) : F.layer_norm(x, [config.HiddenSize], Weight, Bias, config.LayerNormEps);

        public IEnumerable<(string Name, Tensor Tensor)> Named(string name) => [($"{name}.weight", Weight), ($"{name}.bias", Bias)];
    }

    private sealed class Layer(CheckpointFolder checkpoint, string prefix, ClipConfig config, ScalarType dtype, Device device)
    {
        private readonly LayerNorm norm1 = new(checkpoint, $"{prefix}layer_norm1", config, dtype, device);
        private readonly LayerNorm norm2 = new(checkpoint, $"{prefix}layer_norm2", config, dtype, device);
        private readonly Linear qkv = Linear.Take(
            checkpoint, prefix, config.HiddenSize, bias: true, dtype, device,
            new("self_attn.q_proj", config.HiddenSize), new("self_attn.k_proj", config.HiddenSize), new("self_attn.v_proj", config.HiddenSize));

        private readonly Linear output = Linear.Take(
            checkpoint, prefix, config.HiddenSize, bias: true, dtype, device, new LinearPart("self_attn.out_proj", config.HiddenSize));

        private readonly Linear fc1 = Linear.Take(
            checkpoint, prefix, config.HiddenSize, bias: true, dtype, device, new LinearPart("mlp.fc1", config.IntermediateSize));

        private readonly Linear fc2 = Linear.Take(
            checkpoint, prefix, config.IntermediateSize, bias: true, dtype, device, new LinearPart("mlp.fc2", config.HiddenSize));

        public Tensor Forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            if (CpuKernels.Serve([x, .. Parameters()]))
            {
                return Pass(x).MoveToOuterDisposeScope();
            }

            long pictures = x.size(0), positions = x.size(1);
            var heads = qkv.Split(qkv.Forward(norm1.Forward(x)))
                .Select(y => y.reshape(pictures, positions, config.Heads, -1).transpose(1, 2)).ToArray();
            var attended = F.scaled_dot_product_attention(heads[0], heads[1], heads[2]);
            x = x.add(output.Forward(attended.transpose(1, 2).reshape(pictures, positions, config.HiddenSize)), Scalars.One);
            var inner = fc1.Forward(norm2.Forward(x));
            inner = config.Activation == "gelu" ? F.gelu(inner) : inner * sigmoid(inner.mul(Scalars.Of(1.702)));
            return x.add(fc2.Forward(inner), Scalars.One).MoveToOuterDisposeScope();
        }

        /// <summary>The same by the CPU's own kernels.</summary>
        private Tensor Pass(Tensor x)
        {
            int pictures = (int)x.size(0), positions = (int)x.size(1);
            var layout = new HeadLayout(config.Heads, config.Heads, config.HiddenSize / config.Heads);
            var rows = qkv.Infer(norm1.Forward(x)).view(-1, layout.RowSize);
            var spans = Enumerable.Range(0, pictures).Select(_ => new KeyValueSpan(1, layout.KeyValueHeads, layout.Size, positions, before: null)).ToList();
            var all = spans.Select((span, i) => new NewPositions(i * positions, positions, span, span.Extend(positions))).ToList();
            Attention.Store(rows, layout, all, layer: 0, rotation: null);
            var attended = Attention.Attend(rows, layout, all, layer: 0, causal: false);
            spans.ForEach(span => span.Dispose());
            x = output.InferOnto(x.clone(), attended.view(x.shape));
            var inner = fc1.Infer(norm2.Forward(x));
            if (config.Activation == "gelu")
            {
                inner = F.gelu(inner);
            }
            else
            {
                RowKernels.QuickGelu(inner);
            }

            return fc2.InferOnto(x, inner);
        }

        public IEnumerable<(string Name, Tensor Tensor)> Named(string prefix) =>
        [
            .. norm1.Named($"{prefix}layer_norm1"),
            .. norm2.Named($"{prefix}layer_norm2"),
            .. new[] { qkv, output, fc1, fc2 }.SelectMany(linear => linear.Slices())
                .SelectMany(slice => new[] { ($"{prefix}{slice.Name}.weight", slice.Weight), ($"{prefix}{slice.Name}.bias", slice.Bias!) }),
        ];

        public IEnumerable<Tensor> Parameters() =>
        [
            norm1.Weight, norm1.Bias, norm2.Weight, norm2.Bias,
            .. new[] { qkv, output, fc1, fc2 }.SelectMany(linear => new[] { linear.Weight, linear.Bias! }),
        ];
    }
}
