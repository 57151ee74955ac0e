namespace CoIN.Models.Sequences;

/// <summary>
/// The ids that stand for a whole picture among token ids: <see cref="SequenceBatch.ImagePlaceholder"/> where every picture has as many
/// positions as any other, and one for each size where pictures keep theirs.
/// </summary>
internal static class PicturePlace
{
    /// <summary>Most rows or columns of a picture that keeps its size.</summary>
    public const int Longest = (1 << Bits) - 1;

    private const int Bits = 15;

    /// <summary>Above the ids of pictures with a size, below all others.</summary>
    private const int FirstSized = -1000;

    /// <summary>The id of a picture of some rows and columns of positions.</summary>
    public static int Of(int rows, int columns) =>
        rows is < 1 or > Longest || columns is < 1 or > Longest
            ? throw new ArgumentOutOfRangeException(nameof(rows), $"A picture of {rows} times {columns} positions has no id.")
            : FirstSized - ((rows << Bits) | columns);

    /// <summary>Whether an id stands for a picture.</summary>
    public static bool Is(int id) => id is SequenceBatch.ImagePlaceholder or < FirstSized;

    /// <summary>Rows and columns of a picture that keeps its size; null for any other id.</summary>
    public static (int Rows, int Columns)? Size(int id) =>
        id < FirstSized ? ((FirstSized - id) >> Bits, (FirstSized - id) & Longest) : null;

    /// <summary>Positions of an id in a sequence: one of a token's.</summary>
    /// <param name="imageTokens">Positions of a picture without a size of its own.</param>
    public static int Positions(int id, int imageTokens) =>
        Size(id) is { } size ? size.Rows * size.Columns
        : id == SequenceBatch.ImagePlaceholder ? imageTokens
        : 1;

    /// <summary>Positions of a sequence.</summary>
    /// <param name="imageTokens">As for <see cref="Positions(int, int)"/>.</param>
    public static int Positions(IEnumerable<int> ids, int imageTokens) => ids.Sum(id => Positions(id, imageTokens));

    /// <summary>
    /// How far the rotary positions behind some ids are before the ids' own: a picture with a size takes as many of them as its longer
    /// side has positions (Qwen2-VL's multimodal rotary embedding).
    /// </summary>
    public static int Shift(IEnumerable<int> ids) =>
        ids.Sum(id => Size(id) is { } size ? Math.Max(size.Rows, size.Columns) - (size.Rows * size.Columns) : 0);
}
