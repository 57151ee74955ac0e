using CoIN.Benchmark;
using CoIN.Benchmark.Scoring;

namespace CoIN.Configuration;

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

    /// <summary>A configuration whose order is the tasks that somebody picked on the command line.</summary>
    /// <param name="tree">The whole configuration.</param>
    /// <param name="picked">Names of tasks or their folders; case does not matter.</param>
    /// <param name="option">The option by which they were picked.</param>
    /// <exception cref="CoinException">A task of that name is not defined; the message names the nearest.</exception>
    internal static ObjectSetting Picked(ObjectSetting tree, IReadOnlyList<string> picked, string option = "--task")
    {
        var defined = ((tree.Items["coin"] as ObjectSetting)?.Items["tasks"] as ObjectSetting)?.Items ?? [];
        var names = picked.Select(name =>
            defined.Keys.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? defined
                .FirstOrDefault(task =>
                    task.Value is ObjectSetting { Items: var keys }
                    && keys.GetValueOrDefault("folder") is ScalarSetting { Text: { } folder }
                    && folder.Equals(name, StringComparison.OrdinalIgnoreCase)
                )
                .Key
            ?? throw new CoinException(
                $"{option} {name}: there is no task of this name; did you mean {NearestName.Of(name, defined.Keys)}? There are {string.Join(", ", defined.Keys)}."
            )
        );
        var origin = new Origin(option, null);
        var order = new ObjectSetting(
            new OrderedDictionary<string, Setting> { ["order"] = new ListSetting([.. names.Distinct()], origin) },
            origin
        );
        return tree.OverlaidWith(new ObjectSetting(new OrderedDictionary<string, Setting> { ["coin"] = order }, origin));
    }

    /// <summary>An order by its name; a list of anything else is the order itself.</summary>
    public static IReadOnlyList<string> Resolve(IReadOnlyList<string> written) =>
        written switch
        {
            ["default"] => Default,
            ["alphabetical"] => Alphabetical,
            _ => written,
        };
}
