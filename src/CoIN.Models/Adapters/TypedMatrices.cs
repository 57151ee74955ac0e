using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Adapters;

/// <summary>
/// Copies of an adapter's float32 matrices in the type that a base model computes in: made anew when the matrices have changed, all at
/// once, and not in every layer of every pass. Passes without a graph use them.
/// </summary>
internal sealed class TypedMatrices : IDisposable
{
    // TorchSharp has no binding of these operators; TorchScript reaches them.
    private static readonly jit.CompilationUnit Script = jit.compile(
        """
        def versions(matrices: List[Tensor]) -> Tensor:
            sum = 0
            for matrix in matrices:
                sum += matrix._version()
            return torch.tensor(sum)

        def copy(to: List[Tensor], matrices: List[Tensor]):
            torch._foreach_copy_(to, matrices)

        """
    );

    private readonly Lock gate = new();
    private readonly Tensor[] matrices;
    private readonly Dictionary<Tensor, Tensor> copies = new(ReferenceEqualityComparer.Instance);
    private ScalarType copied = ScalarType.Float32;
    private long versions;

    /// <param name="matrices">float32, by the tensors by which they will be asked for.</param>
    public TypedMatrices(IEnumerable<Tensor> matrices) => this.matrices = [.. matrices];

    /// <summary>Brings the copies up to date, by the counters that every operation on a tensor's memory raises.</summary>
    /// <param name="dtype">With float32 there are no copies: the matrices themselves are used.</param>
    public void Refresh(ScalarType dtype)
    {
        lock (gate)
        {
            if (dtype == ScalarType.Float32 || matrices.Length == 0)
            {
                return;
            }

            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            var now = ((Tensor)Scalars.Invoke(Script, "versions", [], (object)matrices)).item<long>();
            if (copied == dtype && now == versions)
            {
                return;
            }

            if (copied != dtype)
            {
                Forget();
                foreach (var matrix in matrices)
                {
                    copies[matrix] = empty(matrix.shape, dtype, matrix.device).DetachFromDisposeScope();
                }
            }

            Scalars.Invoke(Script, "copy", [], matrices.Select(matrix => copies[matrix]).ToArray(), matrices);
            (copied, versions) = (dtype, now);
        }
    }

    /// <summary>A matrix in a type, as of the last <see cref="Refresh"/>; not to be changed. Null for one that is not among them.</summary>
    public Tensor? Of(Tensor matrix, ScalarType dtype) =>
        matrix.dtype == dtype ? matrix
        : copied == dtype ? copies.GetValueOrDefault(matrix)
        : null;

    public void Dispose() => Forget();

    private void Forget()
    {
        foreach (var copy in copies.Values)
        {
            copy.Dispose();
        }

        copies.Clear();
    }
}
