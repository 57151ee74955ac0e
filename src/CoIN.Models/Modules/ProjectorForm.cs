using CoIN.Models.Checkpoints;

namespace CoIN.Models.Modules;

/// <summary>What the linear maps of a kind of projector are called, which depends on the program that wrote them.</summary>
/// <param name="Written">Their names in an adapter's files, as CoIN's code gives them, without <c>.weight</c> and <c>.bias</c>.</param>
/// <param name="Usual">Their names where a file has none of them, so that these are told as missing.</param>
/// <param name="Endings">Names that are known, whatever stands before them: a list for each program.</param>
internal sealed record ProjectorForm(
    IReadOnlyList<string> Written,
    IReadOnlyList<string> Usual,
    IReadOnlyList<IReadOnlyList<string>> Endings
)
{
    /// <summary>LLaVA's two maps, by its own names and the hub's.</summary>
    public static ProjectorForm Llava { get; } =
        new(
            ["base_model.model.model.mm_projector.0", "base_model.model.model.mm_projector.2"],
            ["model.mm_projector.0", "model.mm_projector.2"],
            [
                ["mm_projector.0", "mm_projector.2"],
                ["multi_modal_projector.linear_1", "multi_modal_projector.linear_2"],
            ]
        );

    /// <summary>No map at all.</summary>
    public static ProjectorForm None { get; } = new([], [], []);

    /// <summary>The names in a file.</summary>
    public IReadOnlyList<string> In(CheckpointFolder file)
    {
        foreach (var names in Endings)
        {
            var ending = $"{names[0]}.weight";
            var found = file
                .Names.Where(name => name == ending || name.EndsWith($".{ending}", StringComparison.Ordinal))
                .MinBy(name => name.Length);
            if (found is not null)
            {
                var prefix = found[..^ending.Length];
                return [.. names.Select(name => prefix + name)];
            }
        }

        return Usual;
    }
}
