namespace CoIN.Benchmark.Data.Reading;

/// <summary>
/// Keeps equal texts once: questions, instructions, short answers and image paths come again and again in the benchmark's files. It
/// remembers a fixed number of texts, each in the one place that its hash gives it, so that a million different ones cost nothing. May be
/// used from several threads.
/// </summary>
internal sealed class SharedTexts
{
    private const int Places = 1 << 15;

    private readonly string?[] texts = new string?[Places];

    /// <summary>The text, or an equal one that was met before.</summary>
    public string Share(string text)
    {
        ref var place = ref texts[text.GetHashCode() & (Places - 1)];
        if (place is { } known && known == text)
        {
            return known;
        }

        return place = text;
    }
}
