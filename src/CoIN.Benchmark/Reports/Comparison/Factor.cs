using System.Globalization;
using CoIN.Benchmark.Reports.Results;

namespace CoIN.Benchmark.Reports.Comparison;

/// <summary>
/// Something that the compared runs vary: a setting with several values. Settings that part the runs in the same way are one factor, since
/// nothing can tell them apart; where the method varies, the methods' own options belong to it.
/// </summary>
/// <param name="Name">The setting.</param>
/// <param name="With">Further settings that vary with it.</param>
/// <param name="Values">One for each group of seeds.</param>
internal sealed record Factor(string Name, IReadOnlyList<string> With, IReadOnlyList<string> Values)
{
    // The paper's factors first, so that they give a factor its name.
    private static readonly string[] First = ["method", "model", "order", "instructions", "data.volume", "lora.rank"];

    /// <summary>The factors of runs.</summary>
    /// <param name="groups">Runs that differ by their seed only are one group.</param>
    public static IReadOnlyList<Factor> Of(IReadOnlyList<SeedGroup> groups)
    {
        var settings = groups.Select(group => RunSettings.Factors(group.Runs[0].Report)).ToList();
        var methods = settings.Select(one => one["method"]).Distinct().ToList();
        var own = (string name) => methods.Exists(method => name.StartsWith(method + ".", StringComparison.Ordinal));
        var names = settings
            .SelectMany(one => one.Keys)
            .Distinct()
            .Order(StringComparer.Ordinal)
            .Where(name => methods.Count == 1 || !own(name))
            .ToList();
        var varied = names.Select(name => new Factor(name, [], [.. settings.Select(one => one.GetValueOrDefault(name, "-"))])).ToList();
        if (methods.Count > 1)
        {
            varied[names.IndexOf("method")] = new Factor("method", [], [.. settings.Select(one => WithOptions(one, settings))]);
        }

        varied.RemoveAll(factor => factor.Values.Distinct().Count() < 2);

        // What follows from something else is no factor beside it.
        if (varied.Exists(factor => !RunSettings.Follows(factor.Name)))
        {
            varied.RemoveAll(factor => RunSettings.Follows(factor.Name));
        }

        return
        [
            .. varied
                .OrderBy(factor => Array.IndexOf(First, factor.Name) is >= 0 and var place ? place : First.Length)
                .GroupBy(factor => Parting(factor.Values))
                .Select(same => same.First() with { With = [.. same.Skip(1).Select(factor => factor.Name)] }),
        ];
    }

    /// <summary>The places of the groups by value: numbers by size, then texts.</summary>
    public static IEnumerable<string> Ordered(IEnumerable<string> values) =>
        values
            .Distinct()
            .OrderBy(value =>
                double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.PositiveInfinity
            );

    /// <summary>A method with those of its own options that vary, e.g. <c>moelora, experts 4</c>.</summary>
    private static string WithOptions(IReadOnlyDictionary<string, string> settings, List<IReadOnlyDictionary<string, string>> all)
    {
        var method = settings["method"];
        var alike = all.Where(one => one["method"] == method).ToList();
        return string.Join(
            ", ",
            [
                method,
                .. settings
                    .Keys.Where(name =>
                        name.StartsWith(method + ".", StringComparison.Ordinal)
                        && alike.Select(one => one.GetValueOrDefault(name)).Distinct().Count() > 1
                    )
                    .Select(name => $"{name[(method.Length + 1)..]} {settings[name]}"),
            ]
        );
    }

    private static string Parting(IReadOnlyList<string> values)
    {
        var kinds = values.Distinct().ToList();
        return string.Join(',', values.Select(value => kinds.IndexOf(value)));
    }
}
