using System.Security.Cryptography;
using System.Text;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Judging.UserStudy;

/// <summary>The answers of one cell, from which a study draws.</summary>
/// <param name="Stage">1-based stage of the adapter; 0 for the base model.</param>
/// <param name="Samples">The task's test samples.</param>
public sealed record StudyCell(int Stage, string Task, IReadOnlyList<TestSample> Samples, IReadOnlyList<Prediction> Predictions);

/// <summary>One answer as people see it: nothing tells which model or stage it is of.</summary>
/// <param name="Code">Its name in the study.</param>
/// <param name="Image">Path relative to the image root, or null.</param>
public sealed record StudyItem(string Code, string? Image, string Question, string Truth, string Answer, bool IsBox);

/// <summary>Whose answer an item is: kept apart from what people see.</summary>
/// <param name="Stages">The stages whose answer was this very text: they share its score.</param>
public sealed record StudyKeyEntry(string Code, string Task, string QuestionId, IReadOnlyList<int> Stages);

/// <summary>The key of a study.</summary>
public sealed record StudyKey(string Study, string Run, int Seed, IReadOnlyList<StudyKeyEntry> Items)
{
    /// <exception cref="CoinException">The file cannot be written.</exception>
    public void Write(string path) => Durable.WriteText(path, JsonConvert.SerializeObject(this, Formatting.Indented) + "\n");

    /// <exception cref="CoinException">The file is missing or no key.</exception>
    public static StudyKey Read(string path)
    {
        try
        {
            return JsonConvert.DeserializeObject<StudyKey>(Utf8Text.Read(path)) is { Items: not null } key
                ? key
                : throw new JsonException("it is empty");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"The key {path} of the study cannot be read: {ReadFault.Why(path, e)}. Restore it, or export the study again with the same options.",
                e
            );
        }
    }
}

/// <summary>A user study: blinded, shuffled answers and their key. The same options give the same study.</summary>
public sealed record Study(string Id, IReadOnlyList<StudyItem> Items, StudyKey Key)
{
    private const int IdLength = 8;

    /// <summary>Draws answers evenly from the cells and shuffles them.</summary>
    /// <param name="rules">The judge's rule of each task, by name.</param>
    /// <param name="count">How many; fewer if there are not so many different ones.</param>
    /// <exception cref="CoinException">There are no answers, or a prediction belongs to no sample.</exception>
    public static Study Draw(string run, IReadOnlyList<StudyCell> cells, IReadOnlyDictionary<string, JudgeRule> rules, int count, int seed)
    {
        // The same answer to the same question is scored once, for all stages that gave it.
        var stages = new Dictionary<(string Task, string QuestionId, string Answer), SortedSet<int>>();
        var samples = new Dictionary<(string Task, string QuestionId), TestSample>();
        var drawn = new List<(string Task, string QuestionId, string Answer)>();
        var queues = cells
            .Select((cell, place) => new Queue<Prediction>(Shuffled(cell.Predictions, SeededRandom.Combine(seed, place))))
            .ToList();
        foreach (var cell in cells)
        {
            foreach (var sample in cell.Samples)
            {
                samples[(cell.Task, sample.QuestionId)] = sample;
            }

            foreach (var prediction in cell.Predictions)
            {
                var key = (cell.Task, prediction.QuestionId, prediction.Text);
                (stages.TryGetValue(key, out var known) ? known : stages[key] = []).Add(cell.Stage);
            }
        }

        var taken = new HashSet<(string, string, string)>();
        for (var turn = 0; drawn.Count < count && queues.Exists(queue => queue.Count > 0); turn++)
        {
            if (
                queues[turn % queues.Count] is { Count: > 0 } queue
                && queue.Dequeue() is var next
                && taken.Add((cells[turn % cells.Count].Task, next.QuestionId, next.Text))
            )
            {
                drawn.Add((cells[turn % cells.Count].Task, next.QuestionId, next.Text));
            }
        }

        if (drawn.Count == 0)
        {
            throw new CoinException("There are no answers to score: no cell of the run that was asked for is tested yet.");
        }

        var shuffled = Shuffled(drawn, SeededRandom.Combine(seed, -1));
        var items = shuffled.Select((one, place) => Item($"A{place + 1:000}", one, samples, rules)).ToList();
        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonConvert.SerializeObject(items))))[..IdLength];
        return new Study(
            id,
            items,
            new StudyKey(
                id,
                run,
                seed,
                [
                    .. shuffled
                        .Zip(items)
                        .Select(pair => new StudyKeyEntry(
                            pair.Second.Code,
                            pair.First.Task,
                            pair.First.QuestionId,
                            [.. stages[pair.First]]
                        )),
                ]
            )
        );
    }

    private static StudyItem Item(
        string code,
        (string Task, string QuestionId, string Answer) drawn,
        Dictionary<(string, string), TestSample> samples,
        IReadOnlyDictionary<string, JudgeRule> rules
    )
    {
        var sample = samples.GetValueOrDefault((drawn.Task, drawn.QuestionId))
            ?? throw new CoinException(
                $"A prediction answers question {drawn.QuestionId}, which is not in the test file of {drawn.Task}. Put the former test file back."
            );
        return new StudyItem(code, sample.Image, sample.Text, sample.Answer, drawn.Answer, rules[drawn.Task] == JudgeRule.Grounding);
    }

    private static List<T> Shuffled<T>(IReadOnlyList<T> items, long seed)
    {
        var (random, list) = (new SeededRandom(seed), items.ToList());
        for (var place = list.Count - 1; place > 0; place--)
        {
            var other = random.Next(place + 1);
            (list[place], list[other]) = (list[other], list[place]);
        }

        return list;
    }
}
