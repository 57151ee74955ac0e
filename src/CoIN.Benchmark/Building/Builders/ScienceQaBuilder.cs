using System.Text;
using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>
/// ScienceQA (Lu et al. 2022): <c>problems.json</c> and <c>pid_splits.json</c>, splits train and test. A sample is hint ("Context: …"),
/// question and lettered choices; the answer is a letter. Problems without image become samples of text alone.
/// </summary>
internal sealed class ScienceQaBuilder : TaskBuilder
{
    private const int MostChoices = 26;

    public override string Task => "ScienceQA";

    public override string ImageFolder => "ScienceQA/images";

    public override RawData Read(BuildContext context)
    {
        var splits = Splits(context);
        var problems = new Dictionary<string, (string? Image, string Split, string Question, string Answer)>(StringComparer.Ordinal);
        foreach (
            var (id, entry) in context
                .Json("problems.json")
                .Dictionary("problem", "question", "choices", "answer", "hint", "image", "split")
        )
        {
            if (splits.TryGetValue(id, out var split))
            {
                var image = entry.OptionalText("image");
                problems[id] = (image.Length > 0 ? context.Image(split, id, image) : null, split, Question(entry), Letter(entry));
            }
        }

        if (splits.Keys.FirstOrDefault(id => !problems.ContainsKey(id)) is { } missing)
        {
            throw new CoinException(
                $"{context.Raw.File("pid_splits.json")} names the problem {missing} of the split {splits[missing]}, which problems.json does not have. "
                    + "Both files must come from the same release of ScienceQA: copy them again."
            );
        }

        return new RawData(
            [
                .. splits
                    .Where(pair => pair.Value == "train")
                    .Select(pair => (Id: pair.Key, Problem: problems[pair.Key]))
                    .Select(item => new RawTraining(
                        item.Id,
                        item.Problem.Image,
                        [new RawTurn(item.Problem.Question, item.Problem.Answer)]
                    )),
            ],
            [
                .. splits
                    .Where(pair => pair.Value == "test")
                    .Select(pair => (Id: pair.Key, Problem: problems[pair.Key]))
                    .Select(item => new RawTest(item.Id, item.Problem.Image, item.Problem.Question, item.Problem.Answer)),
            ]
        );
    }

    /// <summary>The split of every problem of train and test, in the file's order.</summary>
    private static OrderedDictionary<string, string> Splits(BuildContext context)
    {
        var splits = new OrderedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (split, ids) in context.Json("pid_splits.json").TextLists("train", "test"))
        {
            foreach (var id in ids)
            {
                if (!splits.TryAdd(id, split))
                {
                    throw new CoinException(
                        $"{context.Raw.File("pid_splits.json")} names the problem {id} twice, in {splits[id]} and {split}. Copy the file again from the data set's source."
                    );
                }
            }
        }

        return splits;
    }

    private static string Question(RawEntry entry)
    {
        var text = new StringBuilder();
        if (entry.OptionalText("hint") is { Length: > 0 } hint)
        {
            text.Append("Context: ").Append(hint).Append('\n');
        }

        text.Append(entry.Text("question"));
        foreach (var (index, choice) in Choices(entry).Index())
        {
            text.Append('\n').Append((char)('A' + index)).Append(". ").Append(choice);
        }

        return text.ToString();
    }

    private static string Letter(RawEntry entry)
    {
        var (answer, choices) = (entry.Integer("answer"), Choices(entry).Length);
        return answer >= 0 && answer < choices
            ? ((char)('A' + answer)).ToString()
            : throw entry.Fault($"has the answer {answer}, but choices 0 to {choices - 1}");
    }

    private static string[] Choices(RawEntry entry) =>
        entry.Texts("choices") is { Length: >= 2 and <= MostChoices } choices
            ? choices
            : throw entry.Fault($"has not 2 to {MostChoices} \"choices\"");
}
