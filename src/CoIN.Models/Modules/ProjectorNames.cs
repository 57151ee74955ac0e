using CoIN.Models.Checkpoints;

namespace CoIN.Models.Modules;

/// <summary>What a projector's two linear layers are called, which depends on the program that wrote them.</summary>
/// <param name="First">E.g. <c>model.mm_projector.0</c>.</param>
internal sealed record ProjectorNames(string First, string Second)
{
    /// <summary>LLaVA's names and the hub's.</summary>
    private static readonly (string First, string Second)[] Endings = [("mm_projector.0", "mm_projector.2"), ("multi_modal_projector.linear_1", "multi_modal_projector.linear_2")];

    /// <summary>
    /// The names in a file, whatever stands before them; LLaVA's own where there is no projector, so that its names are told as missing.
    /// </summary>
    public static ProjectorNames In(CheckpointFolder file)
    {
        foreach (var (first, second) in Endings)
        {
            var ending = $"{first}.weight";
            var found = file.Names.Where(name => name == ending || name.EndsWith($".{ending}", StringComparison.Ordinal)).MinBy(name => name.Length);
            if (found is not null)
            {
                var prefix = found[..^ending.Length];
                return new ProjectorNames(prefix + first, prefix + second);
            }
        }

        return new ProjectorNames("model.mm_projector.0", "model.mm_projector.2");
    }
}
