using CoIN.Models.Sequences;

namespace CoIN.Models.Cpu;

/// <summary>A stretch of one or several prompts.</summary>
/// <param name="Before">The stretch before it, null at the beginning.</param>
/// <param name="Ids">Its ids, pictures as placeholders.</param>
/// <param name="Pictures">Rows of the features of its pictures, in order.</param>
/// <param name="Length">Positions, pictures expanded.</param>
/// <param name="Prompt">The prompt that ends with it; null for the beginning of one or several.</param>
internal sealed record PromptStretch(PromptStretch? Before, IReadOnlyList<int> Ids, IReadOnlyList<int> Pictures, int Length, int? Prompt)
{
    /// <summary>Where its prompts' rotations begin: see <see cref="Modules.DecoderModel.RotationsFrom"/>.</summary>
    public int Rotations { get; init; }

    /// <summary>The stretches before it, the first one first.</summary>
    public IEnumerable<PromptStretch> Beginnings() => Before is null ? [] : Before.Beginnings().Append(Before);
}

/// <summary>
/// Prompts as a tree. Each is cut before its first picture and behind its last, and what several have in common at their beginning (the
/// system text; the picture that they ask about) is there once. Where a prompt is cut depends on it alone and not on its company, so that
/// it is computed in the same way with others as by itself.
/// </summary>
internal static class PromptTree
{
    /// <param name="pictures">The row of features of every placeholder, in order.</param>
    /// <param name="maxLength">Positions of the longest prompt; longer ones are cut, and share nothing.</param>
    /// <returns>The last stretch of every prompt.</returns>
    /// <param name="rotationsFrom">Where a prompt's rotations begin, by its length; null for one table for all.</param>
    public static IReadOnlyList<PromptStretch> Of(
        IReadOnlyList<TokenSequence> prompts, IReadOnlyList<int> pictures, int imageTokens, int maxLength, Func<int, int>? rotationsFrom = null)
    {
        var shared = new Dictionary<(PromptStretch? Before, string Key), PromptStretch>();
        var lasts = new List<PromptStretch>(prompts.Count);
        var picture = 0;
        for (var prompt = 0; prompt < prompts.Count; prompt++)
        {
            var ids = prompts[prompt].Ids;
            var placeholders = Enumerable.Range(0, ids.Count).Where(i => ids[i] == SequenceBatch.ImagePlaceholder).ToList();
            var rows = pictures.Skip(picture).Take(placeholders.Count).ToList();
            picture += placeholders.Count;

            var length = ids.Count + (placeholders.Count * (imageTokens - 1));
            var cuts = placeholders.Count == 0 || length > maxLength ? [] : new[] { placeholders[0], placeholders[^1] + 1 }.Where(cut => cut > 0 && cut < ids.Count).ToArray();
            var rotations = rotationsFrom?.Invoke(Math.Min(length, maxLength)) ?? 0;
            PromptStretch? before = null;
            var from = 0;
            foreach (var cut in cuts)
            {
                before = Shared(before, [.. ids.Take(cut).Skip(from)], rows, rotations);
                from = cut;
            }

            var shown = ids.Skip(from).Contains(SequenceBatch.ImagePlaceholder) ? rows : [];
            lasts.Add(new PromptStretch(before, [.. ids.Skip(from)], shown, Math.Min(length, maxLength) - Positions(before), prompt) { Rotations = rotations });
        }

        return lasts;

        PromptStretch Shared(PromptStretch? before, IReadOnlyList<int> ids, IReadOnlyList<int> rows, int rotations)
        {
            IReadOnlyList<int> shown = ids.Contains(SequenceBatch.ImagePlaceholder) ? rows : [];
            var key = (before, $"{rotations}|{string.Join(' ', shown)}|{string.Join(' ', ids)}");
            if (!shared.TryGetValue(key, out var stretch))
            {
                stretch = new PromptStretch(before, ids, shown, ids.Count + (shown.Count * (imageTokens - 1)), Prompt: null) { Rotations = rotations };
                shared.Add(key, stretch);
            }

            return stretch;
        }
    }

    private static int Positions(PromptStretch? last) => last is null ? 0 : Positions(last.Before) + last.Length;
}
