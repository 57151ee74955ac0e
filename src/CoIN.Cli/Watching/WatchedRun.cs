using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Steps;
using CoIN.Cli.Logging;
using CoIN.Cli.Views;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Cli.Watching;

/// <summary>
/// A run as the page is told of it: parts, each with the number of its last change, so that whoever looks on is sent what is new to him.
/// Made from journal and files alone, whoever writes them.
/// </summary>
/// <param name="name">What it is called on a command line.</param>
/// <param name="folder">Absolute path.</param>
/// <param name="work">Reads test sets.</param>
internal sealed class WatchedRun(string name, string folder, IBenchmarkWork work)
{
    private const int LoggedBefore = 500;
    private const int CurvePoints = 240;
    private const int ShownSamples = 12;
    private const string Fault = "fault";

    private readonly Lock reading = new();
    private readonly SortedDictionary<string, (long Version, string Json)> parts = new(StringComparer.Ordinal);
    private readonly List<(long Version, string Json)> log = [];
    private readonly LogReader logs = new(folder);
    private readonly Dictionary<string, (long Length, DateTime At, int Validations)> seen = new(StringComparer.Ordinal);
    private readonly Dictionary<int, IReadOnlyList<TestSample>> tests = [];
    private RunState? state;
    private RunSnapshot? known;
    private (DateTime, long, DateTime, long) journal;
    private long version;

    public string Name => name;

    /// <summary>Looks what has changed since the last time.</summary>
    public void Refresh()
    {
        lock (reading)
        {
            try
            {
                ReadStatus();
                ReadCurves();
                ReadLog();
                Forget();
            }
            catch (Exception e) when (e is CoinException or IOException or UnauthorizedAccessException)
            {
                Put(Fault, new JObject { ["message"] = e.Message });
            }
        }
    }

    /// <summary>What has changed since a version, as messages for the page.</summary>
    /// <param name="since">0 for everything.</param>
    /// <returns>The messages, and the version that they lead to.</returns>
    public (IReadOnlyList<string> Messages, long Version) Since(long since)
    {
        lock (reading)
        {
            var messages = parts
                .Values.Where(part => part.Version > since)
                .OrderBy(part => part.Version)
                .Select(part => part.Json)
                .ToList();
            var lines = log.Where(line => line.Version > since).Select(line => line.Json).ToList();
            if (lines.Count > 0)
            {
                messages.Add($"{{\"run\":{JsonConvert.ToString(name)},\"kind\":\"log\",\"lines\":[{string.Join(',', lines)}]}}");
            }

            return (messages, version);
        }
    }

    /// <summary>The last answers of a cell, for the page.</summary>
    /// <param name="wrong">Only those that the published rule gives nothing.</param>
    /// <exception cref="CoinException">The test file has changed since, or a file cannot be read.</exception>
    public JArray Samples(int stage, string task, bool wrong)
    {
        lock (reading)
        {
            var place = state is null ? -1 : state.TaskNames.ToList().IndexOf(task);
            if (place < 0)
            {
                return [];
            }

            return
            [
                .. Answered(stage, place)
                    .Where(sample => !wrong || sample.IsWrong)
                    .TakeLast(ShownSamples)
                    .Select(one => new JObject
                    {
                        ["task"] = task,
                        ["stage"] = stage,
                        ["id"] = one.Sample.QuestionId,
                        ["question"] = one.Sample.Text,
                        ["answer"] = one.Answer,
                        ["truth"] = string.Join(" / ", one.Sample.Answers.Distinct().Take(5)),
                        ["published"] = one.Score?.Published,
                        ["corrected"] = one.Score?.Corrected,
                        ["image"] = one.Sample.Image is null
                            ? null
                            : $"image?run={Uri.EscapeDataString(name)}&task={Uri.EscapeDataString(task)}&id={Uri.EscapeDataString(one.Sample.QuestionId)}",
                    }),
            ];
        }
    }

    /// <summary>The picture of a test sample; null where there is none below the run's folder of images.</summary>
    /// <exception cref="CoinException">As in <see cref="Samples"/>.</exception>
    public string? ImageOf(string task, string id)
    {
        lock (reading)
        {
            var place = state is null ? -1 : state.TaskNames.ToList().IndexOf(task);
            if (place < 0 || TestsOf(place).FirstOrDefault(sample => sample.QuestionId == id)?.Image is not { } image)
            {
                return null;
            }

            // A sample's file is somebody else's: it must not lead out of the images.
            var root = Path.GetFullPath(work.Paths.Here(state!.Options.Data.Images));
            var path = Path.GetFullPath(Path.Combine(root, image));
            return path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal) && File.Exists(path) ? path : null;
        }
    }

    /// <summary>Parts of a cell are deleted when it is put together: then the journal knows more than was known here.</summary>
    private IReadOnlyList<AnsweredSample> Answered(int stage, int place)
    {
        try
        {
            return AnsweredSamples.Of(folder, state!, TestsOf(place), stage, place);
        }
        catch (CoinException)
        {
            journal = default;
            ReadStatus();
            return AnsweredSamples.Of(folder, state!, TestsOf(place), stage, place);
        }
    }

    private IReadOnlyList<TestSample> TestsOf(int place) =>
        tests.TryGetValue(place, out var found) ? found : tests[place] = RunFiles.TestSet(state!, place, work);

    private void ReadStatus()
    {
        var driven = RunJournal.IsDriven(folder);
        var stamp = Stamp();
        if (stamp != journal || state is null || (state.IsUnderWay && !driven))
        {
            (journal, state) = (stamp, RunJournal.Look(folder, lagging: true));
            known = state?.ToSnapshot();
            TellLatest();
            TellSpeed();
        }

        var snapshot = known is not null && driven && LiveProgress.Read(folder) is { } live ? live.On(known, DateTimeOffset.UtcNow) : known;
        Put("status", new JObject { ["status"] = StatusJson.Of(name, folder, snapshot, driven) });
    }

    /// <summary>Which cell was answered last, and how far.</summary>
    private void TellLatest()
    {
        var latest = state
            ?.Shards.Values.Select(shard => (shard.Number, shard.Stage, shard.Task))
            .Concat(state.Cells.Values.Select(cell => (cell.Number, cell.Stage, cell.Task)))
            .OrderBy(one => one.Number)
            .LastOrDefault();
        if (latest is { Number: > 0 } cell)
        {
            Put(
                "answered",
                new JObject
                {
                    ["cell"] = new JObject
                    {
                        ["stage"] = cell.Stage,
                        ["task"] = state!.TaskNames[cell.Task],
                        ["event"] = cell.Number,
                    },
                }
            );
        }
    }

    /// <summary>How fast each cell was answered.</summary>
    private void TellSpeed()
    {
        if (state is { Efforts.Count: > 0 })
        {
            Put(
                "speed",
                new JObject
                {
                    ["cells"] = new JArray(
                        state
                            .Efforts.OrderBy(one => one.Key)
                            .Where(one => one.Value.Seconds > 0)
                            .Select(one => new JObject
                            {
                                ["stage"] = one.Key.Stage,
                                ["task"] = state.TaskNames[one.Key.Task],
                                ["samplesPerSecond"] = Math.Round(one.Value.Samples / one.Value.Seconds, 2),
                            })
                    ),
                }
            );
        }
    }

    private void ReadCurves()
    {
        foreach (var stage in state?.Curriculum.Trained ?? [])
        {
            var path = Path.Combine(folder, RunPaths.Steps(stage.Number, stage.Name));
            var file = new FileInfo(path);
            var validations = state!
                .Validations.Where(one => one.Key.Stage == stage.Number)
                .Select(one => one.Value)
                .OrderBy(point => point.Step)
                .ToList();
            if (!file.Exists || seen.GetValueOrDefault(path) == (file.Length, file.LastWriteTimeUtc, validations.Count))
            {
                continue;
            }

            seen[path] = (file.Length, file.LastWriteTimeUtc, validations.Count);
            if (StepsFile.Read(path) is { Count: > 0 } steps)
            {
                Put(
                    FormattableString.Invariant($"curve {stage.Number:00000}"),
                    new JObject
                    {
                        ["curve"] = new JObject
                        {
                            ["stage"] = stage.Number,
                            ["name"] = stage.Name,
                            ["of"] = steps[^1].Of,
                            ["memory"] = steps[^1].Memory,
                            ["validation"] = new JArray(validations.Select(point => new JArray(point.Step, Short(point.Loss)))),
                            ["points"] = new JArray(
                                StepCourse
                                    .Thinned(steps, CurvePoints)
                                    .Select(point => new JArray(point.Middle, Short(point.Mean), Short(point.Least), Short(point.Most)))
                            ),
                        },
                    }
                );
            }
        }
    }

    private static double Short(double loss) => Math.Round(loss, 5);

    private void ReadLog()
    {
        var first = log.Count == 0;
        var lines = logs.Next();
        foreach (var line in first ? lines.TakeLast(LoggedBefore) : lines)
        {
            log.Add(
                (
                    ++version,
                    new JObject
                    {
                        ["time"] = FormattableString.Invariant($"{line.At.ToLocalTime():HH:mm:ss}"),
                        ["level"] = line.Level.ToString(),
                        ["actor"] = line.Actor,
                        ["stage"] = line.Stage,
                        ["task"] = line.Task,
                        ["message"] = line.Message,
                    }.ToString(Formatting.None)
                )
            );
        }

        if (log.Count > 4 * LoggedBefore)
        {
            log.RemoveRange(0, log.Count - (4 * LoggedBefore));
        }
    }

    private void Put(string part, JObject content)
    {
        content["run"] = name;
        content["kind"] = part.Split(' ')[0];
        var json = content.ToString(Formatting.None);
        if (parts.GetValueOrDefault(part).Json != json)
        {
            parts[part] = (++version, json);
        }
    }

    /// <summary>Tells that a fault is over.</summary>
    private void Forget()
    {
        if (parts.ContainsKey(Fault))
        {
            Put(Fault, new JObject { ["message"] = null });
        }
    }

    private (DateTime, long, DateTime, long) Stamp()
    {
        var (file, ahead) = (
            new FileInfo(Path.Combine(folder, RunPaths.Journal)),
            new FileInfo(Path.Combine(folder, RunPaths.Journal) + "-wal")
        );
        return (
            file.Exists ? file.LastWriteTimeUtc : default,
            file.Exists ? file.Length : -1,
            ahead.Exists ? ahead.LastWriteTimeUtc : default,
            ahead.Exists ? ahead.Length : -1
        );
    }
}
