using CoIN.Benchmark.Data;
using CoIN.Models.Computing;

namespace CoIN.Models.Methods;

/// <summary>A pass over a sample by itself at the end of a stage, without dropout.</summary>
/// <param name="sample">The sample.</param>
/// <param name="number">Which one it is, from 1.</param>
/// <param name="of">How many there will be.</param>
internal sealed class SamplePass(TrainingSample sample, int number, int of)
{
    public TrainingSample Sample => sample;

    public int Number => number;

    public int Of => of;

    /// <summary>
    /// Whether <see cref="TrainedParameter.Gradient"/> is wanted: that of the mean cross entropy of the sample's labelled tokens. Otherwise
    /// <see cref="States"/> are.
    /// </summary>
    public bool Backward { get; init; } = true;

    /// <summary>Result: labelled tokens.</summary>
    public int Labelled { get; internal set; }

    /// <summary>Result of a forward pass alone; gone when the method goes on to the next sample.</summary>
    public LabelledStates? States { get; internal set; }
}
