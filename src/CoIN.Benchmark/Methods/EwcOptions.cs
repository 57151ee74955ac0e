namespace CoIN.Benchmark.Methods;

/// <summary>Options of elastic weight consolidation: the section <c>coin.ewc</c>.</summary>
public sealed record EwcOptions : ITakesSamples
{
    /// <summary>The method's key.</summary>
    public const string Key = "ewc";

    /// <summary>λ: the loss gains λ/2 Σ F (θ − θ*)². The paper's 0.1 hardly acts on losses that are means over tokens.</summary>
    [Bounds(AtLeast = 0)]
    public double Lambda { get; init; } = 0.1;

    /// <summary>Samples of each finished task, drawn by the seed, of which the Fisher information is the mean.</summary>
    [Bounds(AtLeast = 1)]
    public int Samples { get; init; } = 1000;

    /// <summary>Whether every finished task has its penalty, or one that fades.</summary>
    public EwcMode Mode { get; init; } = EwcMode.Sum;

    /// <summary>Factor on the Fisher information so far when a task is added; in <see cref="EwcMode.Online"/> only.</summary>
    [Bounds(Above = 0, AtMost = 1)]
    public double Gamma { get; init; } = 0.9;

    /// <summary>What of a sample's tokens is squared the gradient of.</summary>
    public EwcLoss Loss { get; init; } = EwcLoss.Mean;

    /// <summary>Type in which Fisher information and anchors are held.</summary>
    [OneOf("float32", "bfloat16")]
    public string StateDtype { get; init; } = "float32";

    /// <summary>Where Fisher information and anchors are held.</summary>
    [OneOf("device", "host")]
    public string StateOn { get; init; } = "device";

    int ITakesSamples.OfEachTask => Samples;
}

/// <summary>How the penalties of several tasks come together.</summary>
public enum EwcMode
{
    /// <summary>A penalty for each task, around what was learned when it ended (Kirkpatrick et al. 2017).</summary>
    Sum,

    /// <summary>One penalty around the last stage's end, with a running Fisher information (Schwarz et al. 2018).</summary>
    Online,
}

/// <summary>A sample's loss in the Fisher information.</summary>
public enum EwcLoss
{
    /// <summary>The mean over its labelled tokens, as in training.</summary>
    Mean,

    /// <summary>Their sum: the log likelihood of the whole answer.</summary>
    Sum,
}
