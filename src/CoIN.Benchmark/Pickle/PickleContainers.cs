using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace CoIN.Benchmark.Pickle;

/// <summary>
/// A container that a pickle built. Once it stands inside another it no longer changes: so no container holds itself, and walking one
/// always ends.
/// </summary>
public abstract class PickleContainer
{
    /// <summary>Containers nested in this one, itself included.</summary>
    public int Depth { get; private set; } = 1;

    internal bool IsSealed { get; private set; }

    internal void Seal() => IsSealed = true;

    internal void Hold(object? value)
    {
        if (value is PickleContainer inner)
        {
            inner.Seal();
            Depth = Math.Max(Depth, inner.Depth + 1);
        }
    }
}

/// <summary>A Python list.</summary>
public sealed class PickleList : PickleContainer, IReadOnlyList<object?>
{
    private readonly List<object?> items = [];

    public int Count => items.Count;

    public object? this[int index] => items[index];

    public IEnumerator<object?> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Add(object? value)
    {
        Hold(value);
        items.Add(value);
    }
}

/// <summary>A Python tuple.</summary>
public sealed class PickleTuple : PickleContainer, IReadOnlyList<object?>
{
    private readonly object?[] items;

    internal PickleTuple(object?[] items)
    {
        this.items = items;
        Array.ForEach(items, Hold);
    }

    public int Count => items.Length;

    public object? this[int index] => items[index];

    public IEnumerator<object?> GetEnumerator() => ((IEnumerable<object?>)items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>
/// A Python dict (also an OrderedDict): keys are strings, numbers, bytes, booleans or flat tuples of these, in the order in which they
/// came.
/// </summary>
public sealed class PickleDictionary : PickleContainer, IReadOnlyDictionary<object, object?>
{
    private readonly OrderedDictionary<object, object?> items = new(PickleKeys.Comparer);

    public int Count => items.Count;

    public IEnumerable<object> Keys => items.Keys;

    public IEnumerable<object?> Values => items.Values;

    public object? this[object key] => items[key];

    public bool ContainsKey(object key) => items.ContainsKey(key);

    public bool TryGetValue(object key, [MaybeNullWhen(false)] out object? value) => items.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<object, object?>> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Set(object key, object? value)
    {
        Hold(key);
        Hold(value);
        items[key] = value;
    }
}

/// <summary>A Python set or frozenset; elements as the keys of a <see cref="PickleDictionary"/>.</summary>
public sealed class PickleSet : PickleContainer, IReadOnlyCollection<object>
{
    private readonly HashSet<object> items = new(PickleKeys.Comparer);

    public int Count => items.Count;

    public bool Contains(object value) => items.Contains(value);

    public IEnumerator<object> GetEnumerator() => items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Add(object value)
    {
        Hold(value);
        items.Add(value);
    }
}
