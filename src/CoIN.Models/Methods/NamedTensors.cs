using System.Collections;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>
/// Tensors by name, in the names' ordinal order. What is put in is copied: the copy outlives every dispose scope, and goes with its name.
/// </summary>
internal sealed class NamedTensors : IReadOnlyCollection<KeyValuePair<string, Tensor>>, IDisposable
{
    private readonly SortedDictionary<string, Tensor> tensors = new(StringComparer.Ordinal);

    public int Count => tensors.Count;

    /// <summary>The tensor of a name, which must be there to be got.</summary>
    public Tensor this[string name]
    {
        get => tensors.TryGetValue(name, out var tensor) ? tensor : throw new KeyNotFoundException($"There is no tensor '{name}'.");
        set
        {
            using var outside = value.detach();
            var copy = outside.clone().DetachFromDisposeScope();
            Remove(name);
            tensors[name] = copy;
        }
    }

    public bool Has(string name) => tensors.ContainsKey(name);

    public void Remove(string name)
    {
        if (tensors.Remove(name, out var tensor))
        {
            tensor.Dispose();
        }
    }

    public void Clear()
    {
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }

        tensors.Clear();
    }

    public void Dispose() => Clear();

    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator() => tensors.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
