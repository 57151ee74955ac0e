using System.Text;

namespace CoIN.Benchmark.Pickle;

/// <summary>Decides which Python objects a pickle may name and call.</summary>
internal sealed class PickleObjects(string source, UnpicklerOptions options, PickleReader reader)
{
    private readonly Dictionary<string, PickleGlobal> allowed = PlainData
        .Concat(options.Globals)
        .ToDictionary(known => known.Name, StringComparer.Ordinal);

    /// <summary>The containers and texts of plain data that have no operation of their own in older protocols.</summary>
    private static IEnumerable<PickleGlobal> PlainData =>
        [
            new("collections.OrderedDict", Pairs),
            new("builtins.set", Set),
            new("__builtin__.set", Set),
            new("builtins.frozenset", Set),
            new("__builtin__.frozenset", Set),
            new("builtins.bytes", Bytes),
            new("__builtin__.bytes", Bytes),
            new("builtins.bytearray", Bytes),
            new("__builtin__.bytearray", Bytes),
            new("_codecs.encode", Bytes),
        ];

    public PickleGlobal Find(string module, string name) =>
        allowed.TryGetValue($"{module}.{name}", out var known)
            ? known
            : throw new CoinException(
                $"{source} asks for the Python object '{Printable(module)}.{Printable(name)}', which is no plain data (at byte {reader.Position}). "
                    + "It was refused and nothing of it was run. If you trust the file, open it in Python and save what it holds as plain data or safetensors."
            );

    public object? Call(object? function, PickleTuple? arguments)
    {
        if (function is not PickleGlobal { Call: not null } known)
        {
            throw reader.Broken(
                function is PickleGlobal name ? $"it calls {name.Name}, which may only be named" : "it calls what is no function"
            );
        }

        try
        {
            return known.Call(arguments ?? throw reader.Broken($"the arguments of {known.Name} are no tuple"));
        }
        catch (Exception e)
            when (e is InvalidCastException or ArgumentException or NullReferenceException or FormatException or OverflowException)
        {
            throw reader.Broken($"the arguments of {known.Name} are not what it takes", e);
        }
    }

    public object? Persistent(object? id)
    {
        (id as PickleContainer)?.Seal();
        return (options.PersistentLoad ?? throw reader.Broken("it refers to data outside of it"))(id);
    }

    /// <summary>Attributes of a dictionary (PyTorch notes versions there) are not part of the data; nothing else has any.</summary>
    public void Build(object? made, object? state)
    {
        if (made is not PickleDictionary || state is not (PickleDictionary or null))
        {
            throw reader.Broken("it sets the state of an object that is no plain data");
        }
    }

    private static PickleDictionary Pairs(IReadOnlyList<object?> arguments)
    {
        var dictionary = new PickleDictionary();
        foreach (var pair in arguments.Count == 0 ? [] : ((IReadOnlyList<object?>)arguments.Single()!).Cast<IReadOnlyList<object?>>())
        {
            dictionary.Set(Key(pair[0]), pair.Count == 2 ? pair[1] : throw new ArgumentException("a pair has two values"));
        }

        return dictionary;
    }

    private static PickleSet Set(IReadOnlyList<object?> arguments)
    {
        var set = new PickleSet();
        foreach (var value in arguments.Count == 0 ? [] : (IReadOnlyList<object?>)arguments.Single()!)
        {
            set.Add(Key(value));
        }

        return set;
    }

    /// <summary>How Python 3 writes bytes in protocols of Python 2: as a text of as many characters, to be encoded in Latin-1.</summary>
    private static byte[] Bytes(IReadOnlyList<object?> arguments) =>
        arguments switch
        {
            [] => [],
            [byte[] bytes] => bytes,
            [string text, "latin1" or "latin-1"] when text.All(letter => letter < 256) => Encoding.Latin1.GetBytes(text),
            _ => throw new ArgumentException("bytes are given as a text in Latin-1"),
        };

    private static object Key(object? value) => PickleKeys.IsKey(value) ? value! : throw new ArgumentException("no key");

    private static string Printable(string name) => new([.. name.Take(200).Select(letter => char.IsControl(letter) ? '?' : letter)]);
}
