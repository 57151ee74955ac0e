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
    /// <summary>
    /// What is added to the position of a text behind its pictures to find its rotation: where its prompts' rotations begin (see
    /// <see cref="Modules.DecoderModel.RotationsFrom"/>), and what pictures that keep their size make the positions differ by.
    /// </summary>
    public int Rotations { get; init; }

    /// <summary>The rotary position of its first token.</summary>
    public int Turned { get; init; }

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
        IReadOnlyList<TokenSequence> prompts,
        IReadOnlyList<int> pictures,
        int imageTokens,
        int maxLength,
        Func<int, int>? rotationsFrom = null
    )
    {
        var shared = new Dictionary<(PromptStretch? Before, string Key), PromptStretch>();
        var lasts = new List<PromptStretch>(prompts.Count);
        var picture = 0;
        for (var prompt = 0; prompt < prompts.Count; prompt++)
        {
            var ids = prompts[prompt].Ids;
            var placeholders = Enumerable.Range(0, ids.Count).Where(i => PicturePlace.Is(ids[i])).ToList();
            var rows = pictures.Skip(picture).Take(placeholders.Count).ToList();
            picture += placeholders.Count;

            var length = PicturePlace.Positions(ids, imageTokens);
            var cuts =
                placeholders.Count == 0 || length > maxLength
                    ? []
                    : new[] { placeholders[0], placeholders[^1] + 1 }.Where(cut => cut > 0 && cut < ids.Count).ToArray();
            var rotations = rotationsFrom?.Invoke(Math.Min(length, maxLength)) ?? 0;
            PromptStretch? before = null;
            var from = 0;
            foreach (var cut in cuts)
            {
                before = Shared(before, [.. ids.Take(cut).Skip(from)], rows, rotations + PicturePlace.Shift(ids.Take(cut)), Turned());
                from = cut;
            }

            var shown = ids.Skip(from).Any(PicturePlace.Is) ? rows : [];
            lasts.Add(
                new PromptStretch(before, [.. ids.Skip(from)], shown, Math.Min(length, maxLength) - Positions(before), prompt)
                {
                    Rotations = rotations + PicturePlace.Shift(ids),
                    Turned = Turned(),
                }
            );

            int Turned() => Positions(before) + PicturePlace.Shift(ids.Take(from));
        }

        return lasts;

        PromptStretch Shared(PromptStretch? before, IReadOnlyList<int> ids, IReadOnlyList<int> rows, int rotations, int turned)
        {
            IReadOnlyList<int> shown = ids.Any(PicturePlace.Is) ? rows : [];
            var key = (before, $"{rotations}|{string.Join(' ', shown)}|{string.Join(' ', ids)}");
            if (!shared.TryGetValue(key, out var stretch))
            {
                stretch = new PromptStretch(before, ids, shown, PicturePlace.Positions(ids, imageTokens), Prompt: null)
                {
                    Rotations = rotations,
                    Turned = turned,
                };
                shared.Add(key, stretch);
            }

            return stretch;
        }
    }

    private static int Positions(PromptStretch? last) => last is null ? 0 : Positions(last.Before) + last.Length;
}
