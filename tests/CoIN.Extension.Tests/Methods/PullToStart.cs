using CoIN.Models.Methods;
using CoIN.Models.Torch;

namespace CoIN.Extension.Tests.Methods;

/// <summary>Options of <see cref="PullToStart"/>: the section <c>coin.pull-to-start</c>.</summary>
internal sealed record PullToStartOptions
{
    /// <summary>λ.</summary>
    public double Strength { get; init; } = 0.5;
}

/// <summary>
/// Draws what is trained back to where its stage began: adds λ/2 ‖θ − θ₀‖² to the loss, which is λ (θ − θ₀) in the gradient.
/// </summary>
internal sealed class PullToStart(PullToStartOptions options) : TrainingMethod
{
    public const string Key = "pull-to-start";

    public override void BeginStage()
    {
        State.Values["Stages"] = ((int?)State.Values["Stages"] ?? 0) + 1;
        foreach (var parameter in Parameters)
        {
            State.Tensors[parameter.Name] = parameter.Value;
        }
    }

    public override void AddGradients()
    {
        foreach (var parameter in Parameters)
        {
            var way = parameter.Value.add(State.Tensors[parameter.Name], Scalars.Of(-1L));
            parameter.Gradient.add_(way, Scalars.Of(options.Strength));
        }
    }
}
