namespace CoIN.Benchmark.Methods;

/// <summary>The methods by key.</summary>
public static class LearningMethods
{
    private static readonly Lock Gate = new();

    // The one place where a method is made known.
    private static Dictionary<string, IMethod> Methods { get; set; } =
        new IMethod[]
        {
            new SequentialLora(),
            new ZeroShot(),
            new MultiTask(),
            new SequentialMethod(MoeLoraOptions.Key, typeof(MoeLoraOptions)),
            new SequentialMethod(EwcOptions.Key, typeof(EwcOptions)),
            new SequentialMethod(LwfOptions.Key, typeof(LwfOptions)),
            new SequentialMethod(ReplayOptions.Key, typeof(ReplayOptions)),
            new SequentialMethod(EmaOptions.Key, typeof(EmaOptions)),
            new SequentialMethod(OLoraOptions.Key, typeof(OLoraOptions)),
            new SequentialMethod(RegLoraOptions.Key, typeof(RegLoraOptions)),
        }.ToDictionary(method => method.Key, StringComparer.Ordinal);

    /// <summary>All methods.</summary>
    public static IReadOnlyCollection<IMethod> All => Methods.Values;

    /// <summary>All keys.</summary>
    public static IReadOnlyCollection<string> Keys => Methods.Keys;

    /// <summary>
    /// Makes a further method known to this process, for programs that bring their own: before a configuration or a journal names it.
    /// </summary>
    /// <exception cref="ArgumentException">Its key is taken.</exception>
    public static void Add(IMethod method)
    {
        lock (Gate)
        {
            // Who reads meanwhile has the former ones.
            Methods = new Dictionary<string, IMethod>(Methods, StringComparer.Ordinal) { { method.Key, method } };
        }
    }

    /// <summary>The method of a key.</summary>
    /// <exception cref="CoinException">There is none; the message names the nearest key and all others.</exception>
    public static IMethod Of(string key) =>
        Methods.TryGetValue(key, out var method)
            ? method
            : throw new CoinException(
                $"There is no method \"{key}\"; did you mean \"{NearestName.Of(key, Methods.Keys)}\"? The methods are {string.Join(", ", Methods.Keys)}. "
                    + "A run of a newer version needs that version."
            );
}
