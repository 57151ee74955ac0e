using System.Globalization;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Judging;
using CoIN.Benchmark.Judging.UserStudy;

namespace CoIN.Benchmark.Runs;

/// <summary>People as judges of some of a run's answers.</summary>
public static class StudyImporter
{
    /// <summary>
    /// Reads people's scores, records them as a judge of kind people, and compares them with each other and with the other judges.
    /// </summary>
    /// <param name="judge">The name under which they are recorded; a former import of that name is replaced.</param>
    /// <returns>What is to be written to the journal, the judgements' files being in their place, and what it comes to.</returns>
    /// <exception cref="CoinException">A file is no such file or of another run's study, or the name is another judge's.</exception>
    public static (IReadOnlyList<RunEvent> Events, StudyImport Import) Import(
        string runFolder,
        RunState state,
        IReadOnlyList<string> files,
        string judge
    )
    {
        if (state.Judges.ContainsKey(judge))
        {
            throw new CoinException($"{judge} is the name of another judge of this run. Choose another with --name.");
        }

        var scores = files.SelectMany(StudyScores.Read).ToList();
        var keys = scores
            .Select(score => score.Study)
            .Distinct()
            .ToDictionary(study => study, study => Key(runFolder, study), StringComparer.Ordinal);
        var entries = keys
            .Values.SelectMany(key => key.Items.Select(item => (Id: (key.Study, item.Code), Entry: item)))
            .ToDictionary(one => one.Id, one => one.Entry);
        if (scores.Find(score => !entries.ContainsKey((score.Study, score.Code))) is { } stray)
        {
            throw new CoinException($"The study {stray.Study} has no answer {stray.Code}. Take the sample names as they were exported.");
        }

        if (scores.GroupBy(score => (score.Study, score.Rater, score.Code)).FirstOrDefault(group => group.Skip(1).Any()) is { } twice)
        {
            throw new CoinException(
                $"{twice.Key.Rater} scored {twice.Key.Code} twice. Give each file once, and each person a name of their own."
            );
        }

        var answers = scores
            .GroupBy(score => (score.Study, score.Code))
            .Select(group => (Entry: entries[group.Key], Scores: group.ToList()))
            .ToList();
        var events = Cells(answers).Select(cell => Record(runFolder, state, judge, cell.Key, cell.Value)).ToList();
        var agreements = Agreements(runFolder, state, judge, answers);
        var raters = scores.Select(score => score.Rater).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return (events, new StudyImport(raters, answers.Count, events.Count, agreements, Between(raters, answers)));
    }

    private static StudyKey Key(string runFolder, string study)
    {
        var path = Path.Combine(runFolder, RunPaths.StudyKey(study));
        return study.All(char.IsAsciiLetterOrDigit) && File.Exists(path)
            ? StudyKey.Read(path)
            : throw new CoinException(
                $"The run in {runFolder} has no study {study}: {path} is missing. Name the run that the study was exported from."
            );
    }

    /// <summary>Scores by cell: an answer that several stages gave counts for each.</summary>
    private static SortedDictionary<(int Stage, string Task), List<(string QuestionId, List<StudyScore> Scores)>> Cells(
        IEnumerable<(StudyKeyEntry Entry, List<StudyScore> Scores)> answers
    )
    {
        var cells = new SortedDictionary<(int Stage, string Task), List<(string, List<StudyScore>)>>();
        foreach (var (entry, scores) in answers)
        {
            foreach (var stage in entry.Stages)
            {
                (cells.TryGetValue((stage, entry.Task), out var known) ? known : cells[(stage, entry.Task)] = []).Add(
                    (entry.QuestionId, scores)
                );
            }
        }

        return cells;
    }

    private static RunEvent Record(
        string runFolder,
        RunState state,
        string judge,
        (int Stage, string Task) cell,
        List<(string QuestionId, List<StudyScore> Scores)> answers
    )
    {
        var judgements = answers
            .OrderBy(one => one.QuestionId, StringComparer.Ordinal)
            .Select(one =>
            {
                var mean = one.Scores.Average(score => score.Score);
                var reply = string.Join(
                    "; ",
                    one.Scores.OrderBy(score => score.Rater, StringComparer.Ordinal)
                        .Select(score => string.Create(CultureInfo.InvariantCulture, $"{score.Rater}: {score.Score}"))
                );
                return new Judgement(one.QuestionId, reply, mean, mean);
            })
            .ToList();
        var scores = JudgedScores.Of(judgements);
        var file = RunPaths.Judgements(judge, cell.Stage, cell.Task);
        var path = Path.Combine(runFolder, file);
        JudgementsFile.Write(path, judgements);
        var sha256 = Durable.Sha256(path);
        return new CellJudged(
            cell.Stage,
            state.TaskNames.ToList().IndexOf(cell.Task),
            judge,
            JudgeKind.People,
            null,
            sha256[..16],
            scores.Published,
            scores.Corrected,
            scores.Samples,
            scores.Unparsable,
            file,
            sha256
        );
    }

    private static List<JudgeAgreement> Agreements(
        string runFolder,
        RunState state,
        string people,
        List<(StudyKeyEntry Entry, List<StudyScore> Scores)> answers
    )
    {
        var agreements = new List<JudgeAgreement>();
        foreach (
            var judge in state
                .Judgements.Values.Where(one => one.Judge != people)
                .GroupBy(one => one.Judge)
                .OrderBy(group => group.Key, StringComparer.Ordinal)
        )
        {
            var scored = judge
                .SelectMany(cell =>
                    JudgementsFile
                        .Read(Path.Combine(runFolder, cell.File))
                        .Select(one => ((cell.Stage, state.TaskNames[cell.Task], one.QuestionId), one.Corrected))
                )
                .ToDictionary(one => one.Item1, one => one.Corrected);
            var pairs = answers
                .Select(answer =>
                    (
                        People: answer.Scores.Average(score => score.Score),
                        Judge: scored.GetValueOrDefault((answer.Entry.Stages[0], answer.Entry.Task, answer.Entry.QuestionId))
                    )
                )
                .Where(pair => pair.Judge is not null)
                .Select(pair => (pair.People, pair.Judge!.Value))
                .ToList();
            if (pairs.Count > 0)
            {
                agreements.Add(new JudgeAgreement(judge.Key, judge.Last().Kind, Agreement.Of(pairs)));
            }
        }

        return agreements;
    }

    private static List<RaterAgreement> Between(List<string> raters, List<(StudyKeyEntry Entry, List<StudyScore> Scores)> answers) =>
        [
            .. raters
                .SelectMany((one, place) => raters.Skip(place + 1).Select(other => (one, other)))
                .Select(pair =>
                    (
                        pair.one,
                        pair.other,
                        Common: answers
                            .Select(answer =>
                                (
                                    One: answer.Scores.Find(score => score.Rater == pair.one),
                                    Other: answer.Scores.Find(score => score.Rater == pair.other)
                                )
                            )
                            .Where(scores => scores is { One: not null, Other: not null })
                            .Select(scores => (scores.One!.Score, scores.Other!.Score))
                            .ToList()
                    )
                )
                .Where(pair => pair.Common.Count > 0)
                .Select(pair => new RaterAgreement(pair.one, pair.other, Agreement.Of(pair.Common))),
        ];
}
