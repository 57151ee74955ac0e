using CoIN.Models.Cpu.Kernels;
using CoIN.Models.Sequences;
using CoIN.Speed.Workloads;

namespace CoIN.Speed.Comparison;

/// <summary>
/// Floating-point operations that a workload's results need, counted without padding, sharing and caching: the same number for every side. A side that does less
/// shows a higher rate.
/// </summary>
internal sealed class Work(Workload workload, SpeedShape config)
{
    private double LayerWeights => config.Text.Layers *
        ((2.0 * config.Text.HiddenSize * (config.Text.HiddenSize + (config.Text.KeyValueHeads * config.Text.HeadSize))) + (3.0 * config.Text.HiddenSize * config.Text.IntermediateSize));

    private double HeadWeights => (double)config.Text.HiddenSize * config.Text.VocabularySize;

    /// <summary>Parameters of the low-rank matrices.</summary>
    private double LoraWeights => config.Text.Layers * workload.LoraRank
        * Maps().Where(map => workload.LoraTargets?.Contains(map.Name) != false).Sum(map => map.Inputs + map.Outputs);

    /// <summary>
    /// A pass over the training samples: forward, backward to the inputs of frozen weights, and backward to both of the low-rank matrices.
    /// What gradient checkpointing computes again is not counted: the results do not need it.
    /// </summary>
    public double Training() => workload.Training.Sum(row =>
    {
        double positions = workload.Expanded(row.Ids);
        return Picture() + (((4 * LayerWeights) + (6 * LoraWeights)) * positions) + (3 * Attention(positions))
            + (4 * HeadWeights * row.Labels.Count(label => label != SequenceBatch.Ignored));
    });

    /// <summary>Answering a task's questions.</summary>
    public double Evaluation(QuestionSet task) => task.Samples.Sum(row =>
    {
        double positions = workload.Expanded(row.Ids) + row.Answer - 1;
        return Picture() + (2 * LayerWeights * positions) + Attention(positions) + (2 * HeadWeights * row.Answer);
    });

    /// <summary>The linear maps of a layer.</summary>
    private IEnumerable<(string Name, double Inputs, double Outputs)> Maps()
    {
        double hidden = config.Text.HiddenSize, inner = config.Text.IntermediateSize;
        double values = config.Text.KeyValueHeads * config.Text.HeadSize;
        return
        [
            ("q_proj", hidden, hidden), ("k_proj", hidden, values), ("v_proj", hidden, values), ("o_proj", hidden, hidden),
            ("gate_proj", hidden, inner), ("up_proj", hidden, inner), ("down_proj", inner, hidden),
        ];
    }

    /// <summary>Causal attention over a sequence: half of the products of all queries with all keys and of weights with values.</summary>
    private double Attention(double positions) => 2 * config.Text.Layers * config.Text.HiddenSize * positions * positions;

    /// <summary>Tower and projector for one picture.</summary>
    private double Picture()
    {
        var vision = config.Vision;
        double positions = vision.Patches + 1, layers = config.VisionLayers;
        var weights = layers * ((4.0 * vision.HiddenSize * vision.HiddenSize) + (2.0 * vision.HiddenSize * vision.IntermediateSize));
        var attention = 4 * layers * vision.HiddenSize * positions * positions;
        var sizes = config.ProjectorSizes;
        var projector = 2.0 * config.ImageTokens * sizes.Zip(sizes.Skip(1), (from, to) => (double)from * to).Sum();
        return (2 * weights * positions) + attention + projector;
    }
}
