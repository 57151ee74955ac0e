using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using CoIN.Models.Modules;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families.Qwen25Vl;

/// <summary>Makes an untrained Qwen2.5-VL folder in the hub's layout, without a tokenizer.</summary>
internal static class Qwen25VlInitializer
{
    private static readonly double[] Mean = [0.48145466, 0.4578275, 0.40821073],
        Deviation = [0.26862954, 0.26130258, 0.27577711];

    /// <summary>
    /// Writes config.json, preprocessor_config.json and model.safetensors: maps normal with deviation 1/√inputs, embeddings 0.02, norms
    /// one, biases zero.
    /// </summary>
    /// <param name="least">Fewest pixels of a picture.</param>
    /// <param name="most">Most pixels of a picture.</param>
    public static void Write(string folder, Qwen25VlConfig config, int least, int most, long seed)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var generator = new Generator((ulong)seed, CPU);
        void Settings(string name, JObject json) =>
            Durable.WriteText(Path.Combine(folder, name), json.ToString(Formatting.Indented) + "\n");
        Settings("config.json", Config(config));
        Settings(
            "preprocessor_config.json",
            new JObject
            {
                ["image_mean"] = new JArray(Mean),
                ["image_processor_type"] = "Qwen2VLImageProcessor",
                ["image_std"] = new JArray(Deviation),
                ["max_pixels"] = most,
                ["merge_size"] = config.Vision.Merge,
                ["min_pixels"] = least,
                ["patch_size"] = config.Vision.PatchSize,
                ["processor_class"] = "Qwen2_5_VLProcessor",
                ["temporal_patch_size"] = GridVisionConfig.Frames,
            }
        );
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Weights(config, generator));
    }

    private static JObject Config(Qwen25VlConfig config)
    {
        var (text, vision) = (config.Text, config.Vision);
        return new JObject
        {
            ["architectures"] = new JArray("Qwen2_5_VLForConditionalGeneration"),
            ["attention_dropout"] = 0.0,
            ["hidden_act"] = "silu",
            ["hidden_size"] = text.HiddenSize,
            ["image_token_id"] = config.ImageTokenId,
            ["intermediate_size"] = text.IntermediateSize,
            ["max_position_embeddings"] = text.TrainedPositions,
            ["model_type"] = Qwen25VlConfig.ModelType,
            ["num_attention_heads"] = text.Heads,
            ["num_hidden_layers"] = text.Layers,
            ["num_key_value_heads"] = text.KeyValueHeads,
            ["rms_norm_eps"] = text.RmsNormEps,
            ["rope_scaling"] = new JObject { ["mrope_section"] = new JArray(text.RopeSections!), ["type"] = "mrope" },
            ["rope_theta"] = text.RopeTheta,
            ["tie_word_embeddings"] = text.TiedEmbeddings,
            ["torch_dtype"] = "float32",
            ["use_sliding_window"] = false,

            // The marks of pictures in the order of Qwen's vocabularies: begin, end, pad, <|image_pad|>, <|video_pad|>.
            ["video_token_id"] = config.ImageTokenId + 1,
            ["vision_config"] = new JObject
            {
                ["depth"] = vision.Layers,
                ["fullatt_block_indexes"] = new JArray(vision.WholeLayers),
                ["hidden_act"] = "silu",
                ["hidden_size"] = vision.HiddenSize,
                ["in_chans"] = 3,
                ["intermediate_size"] = vision.IntermediateSize,
                ["num_heads"] = vision.Heads,
                ["out_hidden_size"] = vision.OutSize,
                ["patch_size"] = vision.PatchSize,
                ["spatial_merge_size"] = vision.Merge,
                ["spatial_patch_size"] = vision.PatchSize,
                ["temporal_patch_size"] = GridVisionConfig.Frames,
                ["window_size"] = vision.Window,
            },
            ["vision_end_token_id"] = config.ImageTokenId - 2,
            ["vision_start_token_id"] = config.ImageTokenId - 3,
            ["vision_token_id"] = config.ImageTokenId - 1,
            ["vocab_size"] = text.VocabularySize,
        };
    }

    private static IReadOnlyDictionary<string, Tensor> Weights(Qwen25VlConfig config, Generator generator)
    {
        var weights = new InitialWeights(generator);
        var (text, vision) = (config.Text, config.Vision);
        weights.Decoder("model.", Qwen25VlCheckpoint.Head, text);
        const string Visual = "visual.";
        long size = vision.HiddenSize,
            patch = vision.PatchSize,
            joined = size * vision.Merge * vision.Merge;
        weights.Random(
            $"{Visual}patch_embed.proj.weight",
            1 / Math.Sqrt(3.0 * GridVisionConfig.Frames * patch * patch),
            size,
            3,
            GridVisionConfig.Frames,
            patch,
            patch
        );
        for (var i = 0; i < vision.Layers; i++)
        {
            var layer = $"{Visual}blocks.{i}.";
            weights.Norm($"{layer}norm1", size, bias: false);
            weights.Norm($"{layer}norm2", size, bias: false);
            weights.Map($"{layer}attn.qkv", 3 * size, size, bias: true);
            weights.Map($"{layer}attn.proj", size, size, bias: true);
            weights.Map($"{layer}mlp.gate_proj", vision.IntermediateSize, size, bias: true);
            weights.Map($"{layer}mlp.up_proj", vision.IntermediateSize, size, bias: true);
            weights.Map($"{layer}mlp.down_proj", size, vision.IntermediateSize, bias: true);
        }

        weights.Norm($"{Visual}merger.ln_q", size, bias: false);
        weights.Map($"{Visual}merger.mlp.0", joined, joined, bias: true);
        weights.Map($"{Visual}merger.mlp.2", vision.OutSize, joined, bias: true);
        return weights.All;
    }
}
