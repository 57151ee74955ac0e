using System.Numerics;

namespace CoIN.Benchmark.Pickle;

/// <summary>
/// What may be a dictionary's key or a set's element, compared by value. Hashes are seeded per process: crafted keys cannot be made to
/// collide.
/// </summary>
internal static class PickleKeys
{
    public static readonly IEqualityComparer<object> Comparer = new ByValue();

    /// <summary>Strings, numbers, booleans, bytes, and tuples of these: hashing one takes no longer than reading it took.</summary>
    public static bool IsKey(object? value) => IsScalar(value) || (value is PickleTuple tuple && tuple.All(IsScalar));

    private static bool IsScalar(object? value) => value is string or long or bool or double or BigInteger or byte[];

    private sealed class ByValue : IEqualityComparer<object>
    {
        public new bool Equals(object? x, object? y) =>
            (x, y) switch
            {
                (byte[] left, byte[] right) => left.AsSpan().SequenceEqual(right),
                (PickleTuple left, PickleTuple right) => left.SequenceEqual(right, this!),
                _ => object.Equals(x, y),
            };

        public int GetHashCode(object value)
        {
            var hash = default(HashCode);
            switch (value)
            {
                case byte[] bytes:
                    hash.AddBytes(bytes);
                    break;
                case PickleTuple tuple:
                    foreach (var item in tuple)
                    {
                        hash.Add(item!, this);
                    }

                    break;
                default:
                    hash.Add(value);
                    break;
            }

            return hash.ToHashCode();
        }
    }
}
