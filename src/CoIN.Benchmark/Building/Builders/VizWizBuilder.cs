using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>
/// VizWiz (Gurari et al. 2018): <c>train.json</c>, tested on <c>val.json</c> (the test set's answers are not public). The answer is the
/// most frequent one of ten, <c>unanswerable</c> included; an image's name is its question's id.
/// </summary>
internal sealed class VizWizBuilder : TaskBuilder
{
    public override string Task => "VizWiz";

    public override string TestFile => "val.json";

    public override string ImageFolder => "VizWiz";

    public override RawData Read(BuildContext context)
    {
        var training = Questions(context, "train", context.Training)
            .Select(question => new RawTraining(question.Id, question.Image, [new RawTurn(question.Question, question.Answer)]))
            .ToList();
        var test = Questions(context, "val", context.Test)
            .Select(question => new RawTest(question.Id, question.Image, question.Question, question.Answer) { Answers = question.Answers })
            .ToList();
        return new RawData(training, test);
    }

    private static IEnumerable<(string Id, string Image, string Question, string Answer, string[] Answers)> Questions(
        BuildContext context,
        string split,
        Drops drops
    )
    {
        var json = context.Json(split + ".json");
        foreach (var entry in json.List("image", "image", "question", "answers"))
        {
            var image = entry.Text("image");
            var id = Path.GetFileNameWithoutExtension(image);
            if (entry["answers"] is null)
            {
                throw json.Wrong($"its question about {image} has no answers, as in VizWiz's test set");
            }

            var answers = entry.Texts("answers", "answer");
            if (Annotators.MostFrequent(answers) is { } answer)
            {
                yield return (id, context.Image(split, image), entry.Text("question"), answer, answers);
            }
            else
            {
                drops.Add("it has no answer", id);
            }
        }
    }
}
