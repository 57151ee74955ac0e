namespace CoIN.Mini.Drawing;

/// <summary>The colours of the miniature world, by name.</summary>
internal static class Palette
{
    private static readonly Dictionary<string, Rgb> Colours = new()
    {
        ["red"] = new(230, 40, 40),
        ["green"] = new(40, 190, 60),
        ["blue"] = new(50, 80, 240),
        ["yellow"] = new(245, 225, 40),
        ["purple"] = new(160, 50, 200),
        ["orange"] = new(250, 140, 20),
        ["white"] = new(245, 245, 245),
        ["cyan"] = new(40, 220, 230),
    };

    public static IReadOnlyList<string> Names { get; } = [.. Colours.Keys];

    public static Rgb Of(string name) => Colours[name];

    /// <summary>A dark grey, of 16 shades, so that pictures of equal content still differ.</summary>
    public static Rgb Background(int shade) => new((byte)(18 + (shade * 2)), (byte)(18 + (shade * 2)), (byte)(22 + (shade * 2)));
}
