namespace CoIN.Benchmark.Methods;

/// <summary>The methods by key.</summary>
public static class LearningMethods
{
    /// <summary>Those that this process knows: the one place where a method is made known.</summary>
    public static Registry<IMethod> Known { get; } =
        new(
            "method",
            method => method.Key,
            "A run of a newer version needs that version.",
            new SequentialLora(),
            new ZeroShot(),
            new MultiTask(),
            new SequentialMethod(MoeLoraOptions.Key, typeof(MoeLoraOptions)),
            new SequentialMethod(EwcOptions.Key, typeof(EwcOptions)),
            new SequentialMethod(LwfOptions.Key, typeof(LwfOptions)),
            new SequentialMethod(ReplayOptions.Key, typeof(ReplayOptions)),
            new SequentialMethod(EmaOptions.Key, typeof(EmaOptions)),
            new SequentialMethod(OLoraOptions.Key, typeof(OLoraOptions)),
            new SequentialMethod(RegLoraOptions.Key, typeof(RegLoraOptions))
        );
}
