namespace CoIN.Actors.Configuration;

/// <summary>The two orders of learning of the paper, by name.</summary>
public static class TaskOrders
{
    /// <summary>The paper's default order (it calls it random).</summary>
    public static IReadOnlyList<string> Default { get; } =
        ["ScienceQA", "TextVQA", "ImageNet", "GQA", "VizWiz", "Grounding", "VQAv2", "OCR-VQA"];

    /// <summary>The paper's alphabetical order.</summary>
    public static IReadOnlyList<string> Alphabetical { get; } = [.. Default.Order(StringComparer.OrdinalIgnoreCase)];

    /// <summary>What the orders are called.</summary>
    public static IReadOnlyList<string> Names { get; } = ["default", "alphabetical"];

    /// <summary>An order by its name; a list of anything else is the order itself.</summary>
    public static IReadOnlyList<string> Resolve(IReadOnlyList<string> written) => written switch
    {
        ["default"] => Default,
        ["alphabetical"] => Alphabetical,
        _ => written,
    };
}
