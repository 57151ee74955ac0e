using CoIN.Benchmark;

namespace CoIN.Configuration;

/// <summary>A key of which an experiment lists values.</summary>
/// <param name="Key">Without <c>coin.</c>.</param>
/// <param name="Values">As they were written.</param>
internal sealed record VariedKey(string Key, IReadOnlyList<Setting> Values);

/// <summary>
/// The block <c>coin.experiment</c>: named variants, each a block of overrides, and lists of values under <c>vary</c>, nested as the keys
/// are. Its runs are the variants × all combinations of the values.
/// </summary>
/// <param name="Variants">In the order in which they were written.</param>
/// <param name="Varied">As the variants.</param>
/// <param name="Reuse">Whether a result that two runs have in common is computed once.</param>
internal sealed record ExperimentBlock(
    IReadOnlyList<(string Name, ObjectSetting Overrides)> Variants,
    IReadOnlyList<VariedKey> Varied,
    bool Reuse
)
{
    public const string Key = "experiment";

    /// <summary>More are taken for a slip.</summary>
    internal const int MostRuns = 1000;

    private const string Path = "coin." + Key;

    // They are not a run's own: where it runs, what it is called, and what makes runs of it.
    private static readonly string[] NotARuns = ["node", "cluster", "watch", "name", Key];

    /// <summary>Takes the block out of a composed configuration.</summary>
    /// <returns>The configuration without it, and the block; null where there is none.</returns>
    public static (ObjectSetting Tree, Setting? Block) Split(ObjectSetting tree)
    {
        if (tree.Items.GetValueOrDefault("coin") is not ObjectSetting coin || !coin.Items.TryGetValue(Key, out var block))
        {
            return (tree, null);
        }

        var rest = new OrderedDictionary<string, Setting>(coin.Items);
        rest.Remove(Key);
        var items = new OrderedDictionary<string, Setting>(tree.Items) { ["coin"] = new ObjectSetting(rest, coin.Origin) };
        return (new ObjectSetting(items, tree.Origin), block is ScalarSetting { Text: null or "null" } ? null : block);
    }

    /// <summary>Reads the block, and notes what is wrong with it as such; what its keys and values are worth, the runs show.</summary>
    public static ExperimentBlock Read(Setting block, Problems problems)
    {
        if (block is not ObjectSetting)
        {
            problems.Add($"{Path} is not a section (in {block.Origin.Name}). Write {Path} {{ vary {{ seed = [1, 2, 3] }} }}.", Path);
            return new ExperimentBlock([], [], true);
        }

        var holder = new ObjectSetting(new OrderedDictionary<string, Setting> { [Key] = block }, block.Origin);
        var section = new Section("coin", holder, problems).Child(Key);
        var reuse = section.Value("reuse", ScalarKind.Bool) as bool? ?? true;
        var variants = ReadVariants(section.Child("variants"), (ObjectSetting)block, problems);
        section.Known("vary");
        var varied = new List<VariedKey>();
        switch (((ObjectSetting)block).Items.GetValueOrDefault("vary"))
        {
            case ObjectSetting vary:
                Collect("", vary, varied, problems);
                break;
            case null or ScalarSetting { Text: null or "null" }:
                break;
            case var other:
                problems.Add($"{Path}.vary is not a section (in {other.Origin.Name}). Write {Path}.vary {{ seed = [1, 2, 3] }}.", Path);
                break;
        }

        section.NoOtherKeys();
        if (problems.Count == 0 && variants.Count + varied.Count == 0)
        {
            problems.Add(
                $"{Path} (in {block.Origin.Name}) names neither variants nor values to vary. Write vary {{ seed = [1, 2, 3] }} into it, or leave it out.",
                Path
            );
        }

        foreach (var (name, overrides) in variants)
        {
            foreach (var twice in varied.Where(one => Find(overrides, one.Key) is not null))
            {
                problems.Add(
                    $"{Path}.variants.{name} sets {twice.Key}, of which {Path}.vary lists values. Leave it out of one of the two.",
                    Path
                );
            }
        }

        var count = varied.Aggregate((double)Math.Max(1, variants.Count), (product, one) => product * one.Values.Count);
        if (count > MostRuns)
        {
            problems.Add(
                FormattableString.Invariant(
                    $"{Path} makes {count:0} runs; it may make {MostRuns}. Shorten a list, or make several experiments of it."
                ),
                Path
            );
        }

        return new ExperimentBlock(variants, varied, reuse);
    }

    /// <summary>All combinations of the varied values; the last key changes fastest.</summary>
    public IEnumerable<IReadOnlyList<(string Key, int Place, Setting Value)>> Combinations() =>
        Varied.Aggregate(
            (IEnumerable<IReadOnlyList<(string, int, Setting)>>)
                [
                    [],
                ],
            (combinations, one) =>
                combinations.SelectMany(before =>
                    one.Values.Select((value, place) => (IReadOnlyList<(string, int, Setting)>)[.. before, (one.Key, place, value)])
                )
        );

    /// <summary>A configuration that sets a single key, without <c>coin.</c>.</summary>
    public static ObjectSetting Single(string key, Setting value) =>
        (ObjectSetting)
            key.Split('.')
                .Prepend("coin")
                .Reverse()
                .Aggregate(value, (inner, name) =>
                    new ObjectSetting(new OrderedDictionary<string, Setting> { [name] = inner }, value.Origin)
                );

    /// <summary>The value at a key, or null.</summary>
    public static Setting? Find(ObjectSetting tree, string key) =>
        key.Split('.').Aggregate((Setting?)tree, (at, name) => (at as ObjectSetting)?.Items.GetValueOrDefault(name));

    private static IReadOnlyList<(string, ObjectSetting)> ReadVariants(Section section, ObjectSetting block, Problems problems)
    {
        var found = new List<(string, ObjectSetting)>();
        foreach (var name in section.Keys)
        {
            var value = ((ObjectSetting)block.Items["variants"]).Items[name];
            if (value is not ObjectSetting overrides)
            {
                problems.Add($"{Path}.variants.{name} is not a section (in {value.Origin.Name}). Write {name} {{ method = \"…\" }}.", Path);
                continue;
            }

            if (name.Length == 0 || !name.All(RunNames.IsSafe))
            {
                problems.Add(
                    $"{Path}.variants: the name '{name}' (in {value.Origin.Name}) becomes part of a folder's name. Use letters, digits, '-' and '_'.",
                    Path
                );
            }

            foreach (var key in overrides.Items.Keys.Where(NotARuns.Contains))
            {
                problems.Add(
                    $"{Path}.variants.{name}.{key} (in {overrides.Items[key].Origin.Name}) cannot differ between the runs of an experiment. "
                        + $"Write it beside {Key}, for all of them.",
                    Path
                );
            }

            found.Add((name, overrides));
        }

        return found;
    }

    private static void Collect(string prefix, ObjectSetting vary, List<VariedKey> varied, Problems problems)
    {
        foreach (var (name, value) in vary.Items)
        {
            var key = prefix + name;
            if (prefix.Length == 0 && NotARuns.Contains(name))
            {
                problems.Add(
                    $"{Path}.vary.{name} (in {value.Origin.Name}) cannot differ between the runs of an experiment. Write it beside {Key}, for all of them.",
                    Path
                );
                continue;
            }

            switch (value)
            {
                case ObjectSetting inner:
                    Collect(key + ".", inner, varied, problems);
                    break;
                case ListSetting { Items.Count: > 0 } list:
                    varied.Add(
                        new VariedKey(
                            key,
                            [.. list.Items.Select(item => new ScalarSetting(item is "" or "null" ? null : item, list.Origin))]
                        )
                    );
                    break;
                case ListsSetting lists when lists.Items.All(item => item is ListSetting or ScalarSetting):
                    varied.Add(new VariedKey(key, lists.Items));
                    break;
                case ListSetting empty:
                    problems.Add(
                        $"{Path}.vary.{key} lists no value (in {empty.Origin.Name}). Write the values of {key}, or leave it out.",
                        Path
                    );
                    break;
                default:
                    problems.Add(
                        $"{Path}.vary.{key} is no list (in {value.Origin.Name}). Write the values of {key} as a list, such as {key} = [1, 2].",
                        Path
                    );
                    break;
            }
        }
    }
}
