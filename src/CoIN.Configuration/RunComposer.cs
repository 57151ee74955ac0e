using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using Newtonsoft.Json;

namespace CoIN.Configuration;

/// <summary>Makes the configurations of an experiment's runs.</summary>
/// <param name="tree">Defaults and files, without the block.</param>
/// <param name="block">The block.</param>
/// <param name="overrides">What comes on top of every run.</param>
internal sealed class RunComposer(ObjectSetting tree, Setting block, IReadOnlyList<ObjectSetting> overrides)
{
    private const int Named = 5;

    /// <summary>Composes and binds all runs. Two that are the same in content are one.</summary>
    /// <param name="what">What is loaded, for messages.</param>
    /// <param name="bind">Binds a configuration and notes what is wrong with it.</param>
    /// <exception cref="CoinException">Something is wrong.</exception>
    public LoadedExperiment Load(string what, Func<ObjectSetting, Problems, LoadedConfiguration> bind)
    {
        var problems = new Problems();
        var read = ExperimentBlock.Read(block, problems);
        problems.ThrowIfAny(what);
        var notes = new List<string>();
        read = Pinned(read, notes);
        var runs = Compose(read);
        var keys = read.Varied.Select(one => one.Key).ToList();
        var names = RunNames.Of([.. runs.Select(run => (run.Variant, run.Values))], keys);
        var bound = new List<(ExperimentRun Run, LoadedConfiguration Loaded, Problems Problems)>();
        foreach (var (place, run) in runs.Index())
        {
            var own = new Problems();
            bound.Add(
                (
                    new ExperimentRun(
                        names[place],
                        run.Variant,
                        run.Values.ToDictionary(value => value.Key, value => RunNames.Shown(value.Value), StringComparer.Ordinal)
                    ),
                    bind(run.Tree, own),
                    own
                )
            );
        }

        Gather([.. bound.Select(one => (one.Run, one.Problems))], problems);
        problems.ThrowIfAny(what);
        var different = new Dictionary<string, string>(StringComparer.Ordinal);
        var kept = bound.Where(one => IsNew(one.Run, one.Loaded, different, notes)).ToList();
        return new LoadedExperiment(
            new ExperimentRuns(keys, [.. read.Variants.Select(variant => variant.Name)], [.. kept.Select(one => one.Run)])
            {
                Reuse = read.Reuse,
            },
            [.. kept.Select(one => one.Loaded)],
            notes
        );
    }

    private static bool IsNew(ExperimentRun run, LoadedConfiguration loaded, Dictionary<string, string> known, List<string> notes)
    {
        var content = JsonConvert.SerializeObject(loaded.Options);
        if (known.TryGetValue(content, out var same))
        {
            notes.Add($"{run.Name} is the same as {same}, with the same settings: it is left out.");
            return false;
        }

        known[content] = run.Name;
        return true;
    }

    /// <summary>A problem that all runs have is told once; any other says which have it.</summary>
    private static void Gather(IReadOnlyList<(ExperimentRun Run, Problems Problems)> runs, Problems all)
    {
        foreach (var text in runs.SelectMany(run => run.Problems.Texts).Distinct(StringComparer.Ordinal))
        {
            var having = runs.Where(run => run.Problems.Texts.Contains(text)).Select(run => run.Run).ToHashSet();
            all.Add(having.Count == runs.Count ? text : $"{Common(having, [.. runs.Select(run => run.Run)])}: {text}");
        }
    }

    /// <summary>What some runs have in common and the others have not: their variant, or a value; else their names.</summary>
    private static string Common(HashSet<ExperimentRun> some, IReadOnlyList<ExperimentRun> all)
    {
        var first = some.First();
        if (first.Variant is { } variant && some.SetEquals(all.Where(run => run.Variant == variant)))
        {
            return $"variant {variant}";
        }

        var value = first
            .Values.Select(pair => ((string Key, string Value)?)(pair.Key, pair.Value))
            .FirstOrDefault(pair => some.SetEquals(all.Where(run => run.Values[pair!.Value.Key] == pair.Value.Value)));
        return value is { } shared
            ? $"{shared.Key} = {shared.Value}"
            : string.Join(", ", some.Take(Named).Select(run => run.Name))
                + (some.Count > Named ? FormattableString.Invariant($" and {some.Count - Named} more") : "");
    }

    /// <summary>What the command line sets is varied no more.</summary>
    private ExperimentBlock Pinned(ExperimentBlock read, List<string> notes)
    {
        bool IsSet(string key) =>
            overrides.Any(layer =>
                layer.Items.GetValueOrDefault("coin") is ObjectSetting coin && ExperimentBlock.Find(coin, key) is not null
            );
        var pinned = read.Varied.Where(one => IsSet(one.Key)).Select(one => one.Key).ToList();
        notes.AddRange(pinned.Select(key => $"{key} is not varied: --set decides it."));
        return read with { Varied = [.. read.Varied.Where(one => !pinned.Contains(one.Key))] };
    }

    private IReadOnlyList<Composed> Compose(ExperimentBlock read)
    {
        var variants =
            read.Variants.Count > 0
                ? read.Variants.Select(variant => (Name: (string?)variant.Name, Layer: Layer(variant.Overrides))).ToList()
                : [(null, ObjectSetting.Empty(block.Origin))];
        return
        [
            .. from variant in variants
            from values in read.Combinations()
            select new Composed(
                variant.Name,
                values,
                overrides.Aggregate(
                    values.Aggregate(tree.OverlaidWith(variant.Layer), (composed, value) =>
                        composed.OverlaidWith(ExperimentBlock.Single(value.Key, value.Value))
                    ),
                    (composed, layer) => composed.OverlaidWith(layer)
                )
            ),
        ];
    }

    private static ObjectSetting Layer(ObjectSetting overrides) =>
        new(new OrderedDictionary<string, Setting> { ["coin"] = overrides }, overrides.Origin);

    private sealed record Composed(string? Variant, IReadOnlyList<(string Key, int Place, Setting Value)> Values, ObjectSetting Tree);
}
