using CoIN.Models.Sequences;
using CoIN.Speed.Workloads;

namespace CoIN.Speed.Comparison;

/// <summary>
/// Floating-point operations that a workload's results need, counted without padding, sharing and caching: the same number for every side.
/// A side that does less shows a higher rate.
/// </summary>
internal sealed class Work(Workload workload, SpeedShape config)
{
    private double LayerWeights =>
        config.Text.Layers
        * (
            (2.0 * config.Text.HiddenSize * (config.Text.HiddenSize + (config.Text.KeyValueHeads * config.Text.HeadSize)))
            + (3.0 * config.Text.HiddenSize * config.Text.IntermediateSize)
        );

    private double HeadWeights => (double)config.Text.HiddenSize * config.Text.VocabularySize;

    /// <summary>Parameters of the low-rank matrices.</summary>
    private double LoraWeights =>
        config.Text.Layers
        * workload.LoraRank
        * SpeedFamily
            .Of(workload.Family)
            .Maps(config.Text)
            .Where(map => workload.LoraTargets?.Contains(map.Name) != false)
            .Sum(map => map.Inputs + map.Outputs);

    /// <summary>
    /// A pass over the training samples: forward, backward to the inputs of frozen weights, and backward to both of the low-rank matrices.
    /// What gradient checkpointing computes again is not counted: the results do not need it.
    /// </summary>
    public double Training() =>
        workload.Training.Sum(row =>
        {
            double positions = workload.Expanded(row.Ids);
            return config.Picture
                + (((4 * LayerWeights) + (6 * LoraWeights)) * positions)
                + (3 * Attention(positions))
                + (4 * HeadWeights * row.Labels.Count(label => label != SequenceBatch.Ignored));
        });

    /// <summary>Answering a task's questions.</summary>
    public double Evaluation(QuestionSet task) =>
        task.Samples.Sum(row =>
        {
            double positions = workload.Expanded(row.Ids) + row.Answer - 1;
            return config.Picture + (2 * LayerWeights * positions) + Attention(positions) + (2 * HeadWeights * row.Answer);
        });

    /// <summary>Causal attention over a sequence: half of the products of all queries with all keys and of weights with values.</summary>
    private double Attention(double positions) => 2 * config.Text.Layers * config.Text.HiddenSize * positions * positions;
}
