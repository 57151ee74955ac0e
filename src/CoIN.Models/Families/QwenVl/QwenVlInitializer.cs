using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.QwenVl;

/// <summary>Makes an untrained Qwen-VL folder, without a tokenizer.</summary>
internal static class QwenVlInitializer
{
    /// <summary>
    /// Writes config.json and model.safetensors: maps normal with deviation 1/√inputs, embeddings InitialWeights.Embedding, norms one,
    /// biases zero.
    /// </summary>
    public static void Write(string folder, QwenVlConfig config, long seed)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator((ulong)seed, CPU);
        WriteConfig(folder, config);
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Weights(config, generator));
    }

    private static void WriteConfig(string folder, QwenVlConfig config)
    {
        var (text, vision) = (config.Text, config.Vision);
        var json = new JObject
        {
            ["architectures"] = new JArray("QWenLMHeadModel"),
            ["attn_dropout_prob"] = 0.0,
            ["bf16"] = false,
            ["emb_dropout_prob"] = 0.0,
            ["fp16"] = false,
            ["fp32"] = true,
            ["hidden_size"] = text.HiddenSize,
            ["intermediate_size"] = 2 * text.IntermediateSize,
            ["kv_channels"] = text.HeadSize,
            ["layer_norm_epsilon"] = text.RmsNormEps,
            ["max_position_embeddings"] = text.MaxPositions,
            ["model_type"] = "qwen",
            ["no_bias"] = true,
            ["num_attention_heads"] = text.Heads,
            ["num_hidden_layers"] = text.Layers,
            ["rotary_emb_base"] = text.RopeTheta,
            ["rotary_pct"] = 1.0,
            ["scale_attn_weights"] = true,
            ["seq_length"] = text.LongContext!.Trained,
            ["tie_word_embeddings"] = text.TiedEmbeddings,
            ["tokenizer_type"] = "QWenTokenizer",
            ["torch_dtype"] = "float32",
            ["use_dynamic_ntk"] = text.LongContext.DynamicNtk,
            ["use_logn_attn"] = text.LongContext.LogN,
            ["visual"] = new JObject
            {
                ["heads"] = vision.Heads,
                ["image_size"] = vision.ImageSize,
                ["image_start_id"] = config.ImageStartId,
                ["layers"] = vision.Layers,
                ["mlp_ratio"] = vision.IntermediateSize / (double)vision.HiddenSize,
                ["output_dim"] = config.Features,
                ["patch_size"] = vision.PatchSize,
                ["width"] = vision.HiddenSize,
            },
            ["vocab_size"] = text.VocabularySize,
        };
        Durable.WriteText(Path.Combine(folder, "config.json"), json.ToString(Formatting.Indented) + "\n");
    }

    private static IReadOnlyDictionary<string, Tensor> Weights(QwenVlConfig config, Generator generator)
    {
        var weights = new InitialWeights(generator);
        var (text, vision) = (config.Text, config.Vision);
        const string Language = QwenVlCheckpoint.Language,
            Visual = QwenVlCheckpoint.Visual;
        weights.Random($"{Language}wte.weight", InitialWeights.Embedding, text.VocabularySize, text.HiddenSize);
        weights.Norm($"{Language}ln_f", text.HiddenSize, bias: false);
        for (var i = 0; i < text.Layers; i++)
        {
            var layer = $"{Language}h.{i}.";
            weights.Norm($"{layer}ln_1", text.HiddenSize, bias: false);
            weights.Norm($"{layer}ln_2", text.HiddenSize, bias: false);
            weights.Map($"{layer}attn.c_attn", 3 * text.HiddenSize, text.HiddenSize, bias: true);
            weights.Map($"{layer}attn.c_proj", text.HiddenSize, text.HiddenSize, bias: false);
            weights.Map($"{layer}mlp.w1", text.IntermediateSize, text.HiddenSize, bias: false);
            weights.Map($"{layer}mlp.w2", text.IntermediateSize, text.HiddenSize, bias: false);
            weights.Map($"{layer}mlp.c_proj", text.HiddenSize, text.IntermediateSize, bias: false);
        }

        if (!text.TiedEmbeddings)
        {
            weights.Random(QwenVlCheckpoint.Head, InitialWeights.Embedding, text.VocabularySize, text.HiddenSize);
        }

        long table = QwenVlConfig.TableSide * QwenVlConfig.TableSide;
        weights.Random(
            $"{Visual}conv1.weight",
            1 / Math.Sqrt(3.0 * vision.PatchSize * vision.PatchSize),
            vision.HiddenSize,
            3,
            vision.PatchSize,
            vision.PatchSize
        );
        weights.Random($"{Visual}positional_embedding", InitialWeights.Embedding, table, vision.HiddenSize);
        weights.Norm($"{Visual}ln_pre", vision.HiddenSize, bias: true);
        for (var i = 0; i < vision.Layers; i++)
        {
            var layer = $"{Visual}transformer.resblocks.{i}.";
            weights.Norm($"{layer}ln_1", vision.HiddenSize, bias: true);
            weights.Norm($"{layer}ln_2", vision.HiddenSize, bias: true);
            weights.Map($"{layer}attn.in_proj", 3 * vision.HiddenSize, vision.HiddenSize, bias: true);
            weights.Map($"{layer}attn.out_proj", vision.HiddenSize, vision.HiddenSize, bias: true);
            weights.Map($"{layer}mlp.c_fc", vision.IntermediateSize, vision.HiddenSize, bias: true);
            weights.Map($"{layer}mlp.c_proj", vision.HiddenSize, vision.IntermediateSize, bias: true);
        }

        long size = config.Features,
            queries = QwenVlConfig.Queries;
        if (vision.HiddenSize != size)
        {
            weights.Map($"{Visual}attn_pool.kv_proj", size, vision.HiddenSize, bias: false);
        }

        weights.Random($"{Visual}attn_pool.query", InitialWeights.Embedding, queries, size);
        weights.Random($"{Visual}attn_pool.pos_embed", 0.5, queries, size);
        weights.Norm($"{Visual}attn_pool.ln_q", size, bias: true);
        weights.Norm($"{Visual}attn_pool.ln_kv", size, bias: true);
        weights.Random($"{Visual}attn_pool.attn.in_proj_weight", 1 / Math.Sqrt(size), 3 * size, size);
        weights.Zeros($"{Visual}attn_pool.attn.in_proj_bias", 3 * size);
        weights.Map($"{Visual}attn_pool.attn.out_proj", size, size, bias: true);
        weights.Norm($"{Visual}ln_post", size, bias: true);
        weights.Random($"{Visual}proj", 1 / Math.Sqrt(size), size, size);
        return weights.All;
    }
}
