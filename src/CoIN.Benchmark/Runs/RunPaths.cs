namespace CoIN.Benchmark.Runs;

/// <summary>Names in a run's folder, all relative to it.</summary>
public static class RunPaths
{
    public const string Journal = "journal.db";

    /// <summary>
    /// Which database keeps the run's journal, and under which name; missing where <see cref="Journal"/> is the journal itself.
    /// </summary>
    public const string JournalPlace = "journal.json";

    /// <summary>What the run's images were when it began: size, time or hash, and path of each.</summary>
    public const string Images = "images.tsv";

    public const string Lock = "run.lock";
    public const string Owner = "run.owner";

    /// <summary>What goes on right now: there only while a process drives the run.</summary>
    public const string Live = "live.json";

    /// <summary>The configuration that the run was started with.</summary>
    public const string Settings = "settings.conf";

    /// <summary>The report for programs, for text and for browsers.</summary>
    public const string JsonReport = "report.json";
    public const string MarkdownReport = "report.md";
    public const string HtmlReport = "report.html";

    /// <summary>What people call a run on the command line: its folder's name, which is that of a copy where the run was copied.</summary>
    public static string NameOf(string runFolder) => Path.GetFileName(Path.TrimEndingDirectorySeparator(runFolder));

    /// <param name="stage">From 1.</param>
    public static string Stage(int stage, string task) => $"stages/{stage}-{task}";

    public static string Adapter(int stage, string task) => $"{Stage(stage, task)}/adapter";

    public static string Checkpoints(int stage, string task) => $"{Stage(stage, task)}/checkpoints";

    public static string Checkpoint(int stage, string task, int step) => $"{Checkpoints(stage, task)}/step-{step:000000}";

    /// <summary>
    /// What every optimizer step of a stage did. Beside the stages' folders: it has times in it, and everything there has the same bytes
    /// however often a run was stopped.
    /// </summary>
    /// <param name="stage">From 1.</param>
    public static string Steps(int stage, string task) => $"training/{stage}-{task}.jsonl";

    /// <param name="stage">From 1; 0 for the base model.</param>
    public static string Predictions(int stage, string task) => $"predictions/{Row(stage)}/{task}.jsonl";

    /// <param name="stage">From 1; 0 for the base model.</param>
    public static string Scores(int stage, string task) => $"scores/{Row(stage)}/{task}.jsonl";

    /// <summary>Whom experts served while the cell was answered; only of adapters that have experts.</summary>
    /// <param name="stage">From 1; 0 for the base model.</param>
    public static string Routing(int stage, string task) => $"routing/{Row(stage)}/{task}.json";

    /// <summary>Replies of judges, so that nothing is asked twice.</summary>
    public const string JudgementCache = "judgements/cache";

    /// <param name="stage">From 1; 0 for the base model.</param>
    public static string Judgements(string judge, int stage, string task) => $"judgements/{judge}/{Row(stage)}/{task}.jsonl";

    /// <summary>Which answers a user study is of.</summary>
    public static string StudyKey(string study) => $"judgements/studies/{study}.key.json";

    /// <param name="shard">From 0.</param>
    /// <param name="fence">Of the assignment by which it was answered, where several hosts write.</param>
    public static string Shard(int stage, string task, int shard, int shards, string fence = "") =>
        Path.ChangeExtension(Predictions(stage, task), null) + $".shard-{shard + 1}-of-{shards}{fence}.jsonl";

    private static string Row(int stage) => stage == 0 ? "zero-shot" : $"stage-{stage}";
}
