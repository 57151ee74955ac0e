using CoIN.Actors.Hosting;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Methods;

namespace CoIN.Configuration;

/// <summary>Reads an experiment's configuration: the reference, laid over by files, laid over by <c>--set</c>.</summary>
public static class ConfigurationLoader
{
    /// <summary>Composes, binds and validates a configuration as a whole.</summary>
    /// <param name="files">HOCON files, later ones over earlier ones.</param>
    /// <param name="overrides">Texts <c>key=value</c>, the key with or without <c>coin.</c>; applied last, in order.</param>
    /// <param name="folder">
    /// Folder to which relative files and relative paths in <paramref name="overrides"/> refer; null for the current one.
    /// </param>
    /// <param name="check">
    /// Notes what is wrong beyond the configuration, with model, data and judge. It is given the configuration even where that has problems
    /// already, with harmless values in the place of wrong ones: <see cref="Problems.Concern"/> tells.
    /// </param>
    /// <returns>
    /// Valid records with absolute paths. Data that a run prepares itself are not looked for; see <see cref="FileRules"/>.
    /// </returns>
    /// <exception cref="CoinException">
    /// A file cannot be read, or something in it is wrong; every problem is listed, with key and remedy.
    /// </exception>
    public static LoadedConfiguration Load(
        IEnumerable<string> files,
        IEnumerable<string> overrides,
        string? folder = null,
        Action<LoadedConfiguration, Problems>? check = null
    )
    {
        var (tree, what) = Read(files, overrides, folder ?? Environment.CurrentDirectory);
        return Bind(tree, what, checkFiles: true, check: check);
    }

    /// <summary>
    /// As <see cref="Load"/>, with the runs that the block <c>coin.experiment</c> makes of the configuration: defaults, then files, then a
    /// variant, then one of each varied key's values, then <paramref name="overrides"/>. Each is bound and validated like an ordinary
    /// configuration.
    /// </summary>
    /// <param name="files">As in <see cref="Load"/>.</param>
    /// <param name="overrides">As in <see cref="Load"/>. A varied key that stands among them is varied no more.</param>
    /// <param name="folder">As in <see cref="Load"/>.</param>
    /// <param name="check">As in <see cref="Load"/>, for each run.</param>
    /// <param name="elsewhere">
    /// Whether other hosts do the work: then it is for <paramref name="check"/> to look at files (<see cref="FileRules.CheckThere"/>).
    /// </param>
    /// <exception cref="CoinException">As for <see cref="Load"/>; a problem that not all runs have names those that have it.</exception>
    public static LoadedExperiment LoadExperiment(
        IEnumerable<string> files,
        IEnumerable<string> overrides,
        string? folder = null,
        Action<LoadedConfiguration, Problems>? check = null,
        bool elsewhere = false
    )
    {
        var here = folder ?? Environment.CurrentDirectory;
        var names = files.Select(file => Path.GetFullPath(Path.Combine(here, file))).ToList();
        var layers = overrides.Select(text => Overrides.Read(text, here)).ToList();
        var (tree, what) = (Compose(names.Select(HoconFile.Read)), What(names));
        var (_, written) = ExperimentBlock.Split(Compose([tree, .. layers]));
        return written is null
            ? new LoadedExperiment(
                null,
                [Bind(ExperimentBlock.Split(Compose([tree, .. layers])).Tree, what, checkFiles: !elsewhere, check: check)],
                []
            )
            : new RunComposer(
                ExperimentBlock.Split(tree).Tree,
                written,
                [.. layers.Select(layer => ExperimentBlock.Split(layer).Tree)]
            ).Load(what, (composed, problems) => Bind(Compose([composed]), problems, checkFiles: !elsewhere, check: check));
    }

    /// <summary>
    /// As <see cref="Load"/>, for a look at the data alone: <c>model.path</c> may be null, then it is empty, and no file need be there.
    /// </summary>
    /// <param name="files">As in <see cref="Load"/>.</param>
    /// <param name="overrides">As in <see cref="Load"/>.</param>
    /// <param name="folder">As in <see cref="Load"/>.</param>
    /// <param name="tasks">The tasks to look at in the place of those of the order, case aside; empty for those.</param>
    /// <exception cref="CoinException">As for <see cref="Load"/>, or there is no such task.</exception>
    public static LoadedConfiguration LoadForData(
        IEnumerable<string> files,
        IEnumerable<string> overrides,
        string? folder = null,
        params IReadOnlyList<string> tasks
    )
    {
        var (tree, what) = Read(files, overrides, folder ?? Environment.CurrentDirectory);
        return Bind(tasks.Count == 0 ? tree : TaskOrders.Picked(tree, tasks), what, checkFiles: false, needsModel: false);
    }

    /// <summary>As <see cref="Load"/>, for a test of the base model, or of one adapter with it, without any training.</summary>
    /// <param name="files">As in <see cref="Load"/>. What they say of method and order does not matter.</param>
    /// <param name="overrides">As in <see cref="Load"/>.</param>
    /// <param name="adapter">Folder of the adapter; null for that of the configuration (<c>lora.from</c>), or none.</param>
    /// <param name="tasks">The tasks to test in the place of those of the order, case aside; empty for those.</param>
    /// <param name="folder">As in <see cref="Load"/>.</param>
    /// <param name="check">As in <see cref="Load"/>.</param>
    /// <exception cref="CoinException">As for <see cref="Load"/>, or there is no such task.</exception>
    public static LoadedConfiguration LoadForEvaluation(
        IEnumerable<string> files,
        IEnumerable<string> overrides,
        string? adapter,
        IReadOnlyList<string> tasks,
        string? folder = null,
        Action<LoadedConfiguration, Problems>? check = null
    )
    {
        var here = folder ?? Environment.CurrentDirectory;
        string[] own = adapter is null
            ? [$"method={ZeroShot.Name}"]
            : [$"method={ZeroShot.Name}", $"lora.from=\"{Path.GetFullPath(Path.Combine(here, adapter))}\""];
        var (tree, what) = Read(files, [.. overrides, .. own], here);
        return Bind(tasks.Count == 0 ? tree : TaskOrders.Picked(tree, tasks, "--tasks"), what, checkFiles: true, check: check);
    }

    /// <summary>
    /// The settings of this process for a run that exists: those it was started with, with <c>node.*</c>, <c>cluster.*</c> and
    /// <c>watch.*</c> overridden. Nothing that decides numbers may be changed.
    /// </summary>
    /// <param name="effectiveText"><see cref="LoadedConfiguration.EffectiveText"/> of the run.</param>
    /// <param name="source">Where the text comes from, for messages.</param>
    /// <param name="overrides">Texts <c>node.key=value</c>.</param>
    /// <param name="folder">As in <see cref="Load"/>.</param>
    /// <exception cref="CoinException">The text is not a configuration, or an override is wrong or touches the experiment.</exception>
    public static NodeSettings LoadNode(string effectiveText, string source, IEnumerable<string> overrides, string? folder = null)
    {
        var here = folder ?? Environment.CurrentDirectory;
        var changes = overrides.Select(text => Overrides.Read(text, here)).ToList();
        foreach (
            var change in changes.Where(change =>
                ((ObjectSetting)change.Items["coin"]).Items.Keys.Single() is not ("node" or "cluster" or "watch")
            )
        )
        {
            throw new CoinException(
                $"{change.Origin.Name}: a run that exists can only be given other node settings (node.…, cluster.…, watch.…); "
                    + (
                        ((ObjectSetting)change.Items["coin"]).Items.ContainsKey("judge")
                            ? "another judge, or another endpoint, is ./run.sh judge run <run> --set judge.…"
                            : "all else stays as it was started. Start a new run to change it."
                    )
            );
        }

        var stored = HoconFile.ReadText(effectiveText, new Origin(source, here));
        return Bind(Compose([stored, .. changes]), source, checkFiles: false).Node;
    }

    /// <summary>The settings of a node of a cluster alone: what the files say of experiments is not looked at.</summary>
    /// <param name="files">As in <see cref="Load"/>.</param>
    /// <param name="overrides">As in <see cref="Load"/>.</param>
    /// <param name="folder">As in <see cref="Load"/>.</param>
    /// <exception cref="CoinException">A file cannot be read, or something in <c>node</c> or <c>cluster</c> is wrong.</exception>
    public static NodeSettings LoadCluster(IEnumerable<string> files, IEnumerable<string> overrides, string? folder = null)
    {
        var (tree, what) = Read(files, overrides, folder ?? Environment.CurrentDirectory);
        var problems = new Problems();
        var coin = new Section("coin", (ObjectSetting)tree.Items["coin"], problems);
        var node = ExperimentBinder.Node(coin);
        FileRules.CheckCertificate(node, problems);
        problems.ThrowIfAny(what);
        return node;
    }

    private static (ObjectSetting Tree, string What) Read(IEnumerable<string> files, IEnumerable<string> overrides, string here)
    {
        var names = files.Select(file => Path.GetFullPath(Path.Combine(here, file))).ToList();
        var tree = Compose(names.Select(HoconFile.Read).Concat(overrides.Select(text => Overrides.Read(text, here))));
        return (ExperimentBlock.Split(tree).Tree, What(names));
    }

    private static string What(IReadOnlyCollection<string> names) => names.Count > 0 ? string.Join(", ", names) : "The configuration";

    /// <summary>
    /// A judge for a run that exists: the run's own <c>judge</c> and <c>node</c> settings, laid over by files and overrides that touch
    /// nothing else.
    /// </summary>
    /// <param name="effectiveText"><see cref="LoadedConfiguration.EffectiveText"/> of the run.</param>
    /// <param name="source">Where the text comes from, for messages.</param>
    /// <exception cref="CoinException">A file or override is wrong or touches the experiment, or there is no judge in them.</exception>
    public static (JudgeOptions Judge, NodeSettings Node) LoadJudge(
        string effectiveText,
        string source,
        IEnumerable<string> files,
        IEnumerable<string> overrides,
        string? folder = null
    )
    {
        var here = folder ?? Environment.CurrentDirectory;
        var changes = files
            .Select(file => HoconFile.Read(Path.GetFullPath(Path.Combine(here, file))))
            .Concat(overrides.Select(text => Overrides.Read(text, here)))
            .ToList();
        foreach (var change in changes)
        {
            if (
                change.Items.GetValueOrDefault("coin") is ObjectSetting coin
                && coin.Items.Keys.FirstOrDefault(key => key is not ("judge" or "node" or "cluster" or "watch")) is { } other
            )
            {
                throw new CoinException(
                    $"coin.{other} (in {change.Origin.Name}): a run that exists can only be given another judge (judge.…) and other node settings (node.…, cluster.…, watch.…)."
                );
            }
        }

        var stored = HoconFile.ReadText(effectiveText, new Origin(source, here));
        var loaded = Bind(Compose([stored, .. changes]), string.Join(", ", new[] { source }.Concat(files)), checkFiles: false);
        return (
            loaded.Options.Judge
                ?? throw new CoinException(
                    "There is no judge: coin.judge.kind is none. Name a recipe (--judge hocon/judges/lexical.hocon) or pass --set judge.kind=…"
                ),
            loaded.Node
        );
    }

    private static ObjectSetting Compose(IEnumerable<ObjectSetting> layers) =>
        layers.Aggregate(ConfigurationReference.Tree, (earlier, later) =>
            later.Items.GetValueOrDefault("coin") is null or ObjectSetting
                ? earlier.OverlaidWith(later)
                : throw new CoinException($"coin is not a section (in {later.Items["coin"].Origin.Name}). Write coin {{ … }}.")
        );

    private static LoadedConfiguration Bind(
        ObjectSetting tree,
        string what,
        bool checkFiles,
        bool needsModel = true,
        Action<LoadedConfiguration, Problems>? check = null
    )
    {
        var problems = new Problems();
        var loaded = Bind(tree, problems, checkFiles, needsModel, check);
        problems.ThrowIfAny(what);
        return loaded;
    }

    private static LoadedConfiguration Bind(
        ObjectSetting tree,
        Problems problems,
        bool checkFiles,
        bool needsModel = true,
        Action<LoadedConfiguration, Problems>? check = null
    )
    {
        var coin = new Section("coin", (ObjectSetting)tree.Items["coin"], problems);
        foreach (var key in tree.Items.Keys.Where(key => key != "coin"))
        {
            problems.Add($"unknown key {key} (in {tree.Items[key].Origin.Name}); everything stands inside coin {{ … }}.");
        }

        var options = ExperimentBinder.Experiment(coin, needsModel, LearningMethods.Known.All);
        var preparation = ExperimentBinder.Preparation(coin.Child("data"));
        var node = ExperimentBinder.Node(coin);
        if (problems.Concern("coin.node.paths"))
        {
            node = node with { Paths = [] };
        }

        var loaded = new LoadedConfiguration(options, node, preparation, EffectiveText.Of(tree, LearningMethods.Known.All));
        if (checkFiles)
        {
            FileRules.CheckModel(loaded, problems);
            if (preparation is null)
            {
                FileRules.CheckData(loaded.Here, problems);
            }

            FileRules.CheckCertificate(node, problems);
        }

        check?.Invoke(loaded, problems);
        return loaded;
    }
}
