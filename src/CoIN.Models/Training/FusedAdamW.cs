using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>Parameters that share a learning rate.</summary>
internal sealed record ParameterGroup(IReadOnlyList<Tensor> Parameters, double LearningRate)
{
    /// <summary>Whether vectors (biases, norms) are left out of the weight decay, as the Hugging Face trainer does.</summary>
    public bool SparesVectors { get; init; }
}

/// <summary>
/// AdamW (Loshchilov and Hutter 2019) through ATen's fused kernel: one native call for all tensors of a group, numerically
/// torch.optim.AdamW.
/// </summary>
internal sealed class FusedAdamW : IDisposable
{
    // TorchSharp has no binding of these operators; TorchScript reaches them.
    private static readonly jit.CompilationUnit Script = jit.compile(
        """
        def step(p: List[Tensor], g: List[Tensor], m: List[Tensor], v: List[Tensor], n: List[Tensor], lr: float, beta1: float, beta2: float, decay: float, eps: float):
            torch._foreach_add_(n, 1)
            torch._fused_adamw_(p, g, m, v, [], n, lr=lr, beta1=beta1, beta2=beta2, weight_decay=decay, eps=eps, amsgrad=False, maximize=False)
            # The fused operator leaves the parameters' version counters as they are, by which copies in other types are known to be stale.
            for parameter in p:
                parameter.narrow(0, 0, 0).zero_()

        def norm(g: List[Tensor]) -> Tensor:
            return torch.stack(torch._foreach_norm(g, 2)).norm()

        def scale(g: List[Tensor], factor: float):
            torch._foreach_mul_(g, factor)

        def zero(g: List[Tensor]):
            torch._foreach_zero_(g)

        def count(n: List[Tensor]):
            torch._foreach_add_(n, 1)

        """
    );

    private readonly double beta1;
    private readonly double beta2;
    private readonly double epsilon;
    private readonly double weightDecay;
    private readonly State[] groups;

    /// <param name="owns">
    /// Which parameters are updated here, and so have moments here, by their places in all groups together; null for all.
    /// </param>
    public FusedAdamW(
        IEnumerable<ParameterGroup> groups,
        double beta1,
        double beta2,
        double epsilon,
        double weightDecay,
        Func<int, bool>? owns = null
    )
    {
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
        this.weightDecay = weightDecay;
        var before = 0;
        this.groups =
        [
            .. groups
                .Where(group => group.Parameters.Count > 0)
                .Select(group =>
                {
                    var first = before;
                    before += group.Parameters.Count;
                    return new State(group, first, owns ?? (_ => true));
                }),
        ];
    }

    /// <summary>2-norm of all gradients together.</summary>
    public double GradNorm()
    {
        using var norm = Norm();
        return norm.item<float>();
    }

    /// <summary>The same where the parameters are, float32 []: nobody has to wait for it.</summary>
    public Tensor Norm()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        return ((Tensor)Scalars.Invoke(Script, "norm", [], (object)GradientsOf(groups))).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Scales all gradients so that their norm is at most <paramref name="max"/>, as torch.nn.utils.clip_grad_norm_ does.
    /// </summary>
    public void Clip(double norm, double max)
    {
        var factor = max / (norm + 1e-6);
        if (factor < 1)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            Scalars.Invoke(Script, "scale", [factor], (object)GradientsOf(groups));
        }
    }

    /// <summary>One update of what is updated here.</summary>
    /// <param name="multiplier">The schedule's factor on every group's learning rate.</param>
    public void Step(double multiplier)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (var group in groups)
        {
            var gradients = GradientsOf([group]);
            if (group.Absent.Length > 0)
            {
                Scalars.Invoke(Script, "count", [], (object)group.Absent.Select(place => group.Steps[place]).ToArray());
            }

            foreach (
                var (places, decay) in group.SparesVectors && weightDecay != 0
                    ? [(group.Matrices, weightDecay), (group.Vectors, 0.0)]
                    : new[] { (group.All, weightDecay) }
            )
            {
                if (places.Length > 0)
                {
                    Tensor[] Of(Tensor?[] all) => [.. places.Select(place => all[place]!)];
                    Scalars.Invoke(
                        Script,
                        "step",
                        [group.LearningRate * multiplier, beta1, beta2, decay, epsilon],
                        Of(group.Parameters),
                        Of(gradients),
                        Of(group.First),
                        Of(group.Second),
                        Of(group.Steps)
                    );
                }
            }
        }
    }

    /// <summary>Sets all gradients to zero, keeping their memory.</summary>
    public void ZeroGrad()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Scalars.Invoke(Script, "zero", [], (object)GradientsOf(groups));
    }

    /// <summary>Moments and step counts by position: what a checkpoint has to keep.</summary>
    /// <param name="absent">
    /// Gives the first (0) or second (1) moments of a parameter that is not updated here, by its place in all groups; null to leave them
    /// out.
    /// </param>
    public IEnumerable<(string Name, Tensor Tensor)> Named(Func<int, int, Tensor>? absent = null)
    {
        return groups.SelectMany(
            (group, g) =>
                Moments(group, 0, group.First, $"exp_avg.{g}")
                    .Concat(Moments(group, 1, group.Second, $"exp_avg_sq.{g}"))
                    .Concat(group.Steps.Select((tensor, i) => ($"step.{g}.{i}", tensor)))
        );

        IEnumerable<(string, Tensor)> Moments(State group, int which, Tensor?[] here, string name) =>
            here.Select((tensor, i) => (Name: $"{name}.{i}", Tensor: tensor ?? absent?.Invoke(group.Place + i, which)))
                .Where(one => one.Tensor is not null)
                .Select(one => (one.Name, one.Tensor!));
    }

    /// <summary>The moments of a parameter that is updated here.</summary>
    /// <param name="place">Among the parameters of all groups.</param>
    public (Tensor First, Tensor Second) MomentsOf(int place)
    {
        var group = groups.Last(one => one.Place <= place);
        return (group.First[place - group.Place]!, group.Second[place - group.Place]!);
    }

    public void Dispose()
    {
        foreach (var (_, tensor) in Named())
        {
            tensor.Dispose();
        }
    }

    private static Tensor[] GradientsOf(IEnumerable<State> groups) => [.. groups.SelectMany(group => group.Leaves).Select(Gradients.Of)];

    private sealed class State
    {
        public State(ParameterGroup group, int place, Func<int, bool> owns)
        {
            using var noGrad = no_grad();
            Place = place;
            LearningRate = group.LearningRate;
            Leaves = [.. group.Parameters];
            Parameters = [.. group.Parameters.Select(tensor => tensor.detach().DetachFromDisposeScope())];
            First = [.. group.Parameters.Select(Moments)];
            Second = [.. group.Parameters.Select(Moments)];
            Steps = [.. group.Parameters.Select(tensor => zeros([], device: tensor.device).DetachFromDisposeScope())];
            SparesVectors = group.SparesVectors;
            All = [.. Enumerable.Range(0, Leaves.Length).Where(one => owns(place + one))];
            Absent = [.. Enumerable.Range(0, Leaves.Length).Except(All)];
            Matrices = [.. All.Where(one => Leaves[one].dim() > 1)];
            Vectors = [.. All.Except(Matrices)];

            Tensor? Moments(Tensor tensor, int one) => owns(place + one) ? zeros_like(tensor).detach().DetachFromDisposeScope() : null;
        }

        /// <summary>Of the first of its parameters among those of all groups.</summary>
        public int Place { get; }

        public bool SparesVectors { get; }

        /// <summary>Places of all parameters that are updated here, of those with two dimensions or more, and of the others.</summary>
        public int[] All { get; }

        /// <summary>Places of those that are updated elsewhere.</summary>
        public int[] Absent { get; }

        public int[] Matrices { get; }

        public int[] Vectors { get; }

        public double LearningRate { get; }

        /// <summary>The leaves that gather gradients.</summary>
        public Tensor[] Leaves { get; }

        /// <summary>The same memory outside the graph.</summary>
        public Tensor[] Parameters { get; }

        public Tensor?[] First { get; }

        public Tensor?[] Second { get; }

        public Tensor[] Steps { get; }
    }
}
