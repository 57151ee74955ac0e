using System.Globalization;
using CoIN.Actors.Journal;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;
using CoIN.Benchmark.Runs;

namespace CoIN.Actors.Hosting;

/// <summary>How a judge's scores agree with those of people.</summary>
/// <param name="Judge">The judge's name.</param>
public sealed record JudgeAgreement(string Judge, JudgeKind Kind, Agreement Agreement);

/// <summary>How two people agree.</summary>
public sealed record RaterAgreement(string One, string Other, Agreement Agreement);

/// <summary>What an import of people's scores came to.</summary>
/// <param name="Answers">Different answers that have a score.</param>
/// <param name="Cells">Cells that got judgements.</param>
public sealed record StudyImport(
    IReadOnlyList<string> Raters, int Answers, int Cells, IReadOnlyList<JudgeAgreement> Judges, IReadOnlyList<RaterAgreement> Between, IReadOnlyList<string> Reports);

/// <summary>User studies about a run: people as judges of some of its answers.</summary>
public static class RunStudy
{
    /// <summary>Draws a study, and keeps its key in the run's folder, apart from what people get.</summary>
    /// <param name="cells"><c>all</c>, <c>final</c>, <c>just-trained</c>, or a list <c>stage:task</c> such as <c>1:GQA,3:GQA</c> (stage 0: the base model).</param>
    /// <returns>The study, the folder to which its image paths are relative, and the key's path.</returns>
    /// <exception cref="CoinException">The run has no such cells, or its files are not those of then.</exception>
    public static (Study Study, string Images, string Key) Draw(string runFolder, string cells, int count, int seed, IBenchmarkWork work)
    {
        var state = RunJournal.Read(runFolder) ?? throw new CoinException($"The run in {runFolder} has not begun; there is nothing to score.");
        var rules = state.Options.Tasks.ToDictionary(task => task.Name, task => JudgePrompt.RuleFor(task.Scorer), StringComparer.Ordinal);
        var study = Study.Draw(state.Started!.RunId, [.. Select(state, cells).Select(cell => Cell(runFolder, state, cell, work))], rules, count, seed);
        var key = Path.Combine(runFolder, RunPaths.StudyKey(study.Id));
        study.Key.Write(key);
        return (study, state.Options.Data.Images, key);
    }

    /// <summary>Reads people's scores, records them as a judge of kind people, and compares them with each other and with the other judges.</summary>
    /// <param name="judge">The name under which they are recorded; a former import of that name is replaced.</param>
    /// <exception cref="CoinException">A file is no such file or of another run's study, or another process drives the run.</exception>
    public static async Task<StudyImport> ImportAsync(string runFolder, IReadOnlyList<string> files, string judge, IBenchmarkWork work)
    {
        using var held = RunLock.Take(runFolder);
        var state = RunJournal.Read(runFolder) ?? throw new CoinException($"The run in {runFolder} has not begun; it has no study.");
        if (state.Judges.ContainsKey(judge))
        {
            throw new CoinException($"{judge} is the name of another judge of this run. Choose another with --name.");
        }

        var scores = files.SelectMany(StudyScores.Read).ToList();
        var keys = scores.Select(score => score.Study).Distinct().ToDictionary(study => study, study => Key(runFolder, study), StringComparer.Ordinal);
        var entries = keys.Values.SelectMany(key => key.Items.Select(item => (Id: (key.Study, item.Code), Entry: item))).ToDictionary(one => one.Id, one => one.Entry);
        if (scores.Find(score => !entries.ContainsKey((score.Study, score.Code))) is { } stray)
        {
            throw new CoinException($"The study {stray.Study} has no answer {stray.Code}. Take the sample names as they were exported.");
        }

        if (scores.GroupBy(score => (score.Study, score.Rater, score.Code)).FirstOrDefault(group => group.Skip(1).Any()) is { } twice)
        {
            throw new CoinException($"{twice.Key.Rater} scored {twice.Key.Code} twice. Give each file once, and each person a name of their own.");
        }

        var answers = scores.GroupBy(score => (score.Study, score.Code)).Select(group => (Entry: entries[group.Key], Scores: group.ToList())).ToList();
        var events = Cells(answers).Select(cell => Record(runFolder, state, judge, cell.Key, cell.Value)).ToList();
        var agreements = Agreements(runFolder, state, judge, answers);
        var last = await JournalAppender.AppendAsync(state.Started!.RunId, runFolder, events).ConfigureAwait(false);
        var raters = scores.Select(score => score.Rater).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return new StudyImport(raters, answers.Count, events.Count, agreements, Between(raters, answers), work.WriteReports(runFolder, last));
    }

    private static IEnumerable<CellScored> Select(RunState state, string cells)
    {
        var known = state.Cells.Values.OrderBy(cell => cell.Stage).ThenBy(cell => cell.Task).ToList();
        switch (cells)
        {
            case "all":
                return known;
            case "final":
                var last = known.Count > 0 ? known.Max(cell => cell.Stage) : 0;
                return known.Where(cell => cell.Stage == last);
            case "just-trained":
                return known.Where(cell => cell.Stage == cell.Task + 1 || cell.Stage == 0);
            default:
                return [.. cells.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(text => One(state, text))];
        }
    }

    private static CellScored One(RunState state, string text)
    {
        var at = text.IndexOf(':', StringComparison.Ordinal);
        var task = at < 0 ? -1 : state.TaskNames.ToList().IndexOf(text[(at + 1)..]);
        return at > 0 && int.TryParse(text[..at], NumberStyles.None, CultureInfo.InvariantCulture, out var stage) && state.Cells.TryGetValue((stage, task), out var cell)
            ? cell
            : throw new CoinException(
                $"--cells {text}: the run has no such cell. Write all, final, just-trained, or stage:task for cells that are tested, such as 1:{state.TaskNames[0]}.");
    }

    private static StudyCell Cell(string runFolder, RunState state, CellScored cell, IBenchmarkWork work)
    {
        RunFiles.RequirePredictions(runFolder, state, cell);
        return new StudyCell(
            cell.Stage, state.TaskNames[cell.Task], RunRescorer.Test(state, cell.Task, work), work.ReadPredictions(Path.Combine(runFolder, cell.File)));
    }

    private static StudyKey Key(string runFolder, string study)
    {
        var path = Path.Combine(runFolder, RunPaths.StudyKey(study));
        return study.All(char.IsAsciiLetterOrDigit) && File.Exists(path)
            ? StudyKey.Read(path)
            : throw new CoinException($"The run in {runFolder} has no study {study}: {path} is missing. Name the run that the study was exported from.");
    }

    /// <summary>Scores by cell: an answer that several stages gave counts for each.</summary>
    private static SortedDictionary<(int Stage, string Task), List<(string QuestionId, List<StudyScore> Scores)>> Cells(
        IEnumerable<(StudyKeyEntry Entry, List<StudyScore> Scores)> answers)
    {
        var cells = new SortedDictionary<(int Stage, string Task), List<(string, List<StudyScore>)>>();
        foreach (var (entry, scores) in answers)
        {
            foreach (var stage in entry.Stages)
            {
                (cells.TryGetValue((stage, entry.Task), out var known) ? known : cells[(stage, entry.Task)] = []).Add((entry.QuestionId, scores));
            }
        }

        return cells;
    }

    private static RunEvent Record(
        string runFolder, RunState state, string judge, (int Stage, string Task) cell, List<(string QuestionId, List<StudyScore> Scores)> answers)
    {
        var judgements = answers.OrderBy(one => one.QuestionId, StringComparer.Ordinal).Select(one =>
        {
            var mean = one.Scores.Average(score => score.Score);
            var reply = string.Join("; ", one.Scores.OrderBy(score => score.Rater, StringComparer.Ordinal).Select(score => string.Create(CultureInfo.InvariantCulture, $"{score.Rater}: {score.Score}")));
            return new Judgement(one.QuestionId, reply, mean, mean);
        }).ToList();
        var scores = JudgedScores.Of(judgements);
        var file = RunPaths.Judgements(judge, cell.Stage, cell.Task);
        var path = Path.Combine(runFolder, file);
        JudgementsFile.Write(path, judgements);
        var sha256 = Durable.Sha256(path);
        return new CellJudged(
            cell.Stage, state.TaskNames.ToList().IndexOf(cell.Task), judge, JudgeKind.People, null, sha256[..16], scores.Published, scores.Corrected, scores.Samples,
            scores.Unparsable, file, sha256);
    }

    private static List<JudgeAgreement> Agreements(
        string runFolder, RunState state, string people, List<(StudyKeyEntry Entry, List<StudyScore> Scores)> answers)
    {
        var agreements = new List<JudgeAgreement>();
        foreach (var judge in state.Judgements.Values.Where(one => one.Judge != people).GroupBy(one => one.Judge).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var scored = judge.SelectMany(cell => JudgementsFile.Read(Path.Combine(runFolder, cell.File)).Select(one => ((cell.Stage, state.TaskNames[cell.Task], one.QuestionId), one.Corrected)))
                .ToDictionary(one => one.Item1, one => one.Corrected);
            var pairs = answers
                .Select(answer => (People: answer.Scores.Average(score => score.Score), Judge: scored.GetValueOrDefault((answer.Entry.Stages[0], answer.Entry.Task, answer.Entry.QuestionId))))
                .Where(pair => pair.Judge is not null).Select(pair => (pair.People, pair.Judge!.Value)).ToList();
            if (pairs.Count > 0)
            {
                agreements.Add(new JudgeAgreement(judge.Key, judge.Last().Kind, Agreement.Of(pairs)));
            }
        }

        return agreements;
    }

    private static List<RaterAgreement> Between(List<string> raters, List<(StudyKeyEntry Entry, List<StudyScore> Scores)> answers) =>
    [
        .. raters.SelectMany((one, place) => raters.Skip(place + 1).Select(other => (one, other))).Select(pair => (pair.one, pair.other, Common: answers
                .Select(answer => (One: answer.Scores.Find(score => score.Rater == pair.one), Other: answer.Scores.Find(score => score.Rater == pair.other)))
                .Where(scores => scores is { One: not null, Other: not null }).Select(scores => (scores.One!.Score, scores.Other!.Score)).ToList()))
            .Where(pair => pair.Common.Count > 0).Select(pair => new RaterAgreement(pair.one, pair.other, Agreement.Of(pair.Common))),
    ];
}
