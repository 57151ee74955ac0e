using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>
/// GQA (Hudson and Manning 2019): <c>train_balanced_questions.json</c>, tested on <c>testdev_balanced_questions.json</c>.
/// </summary>
internal sealed class GqaBuilder : TaskBuilder
{
    public override string Task => "GQA";

    public override string ImageFolder => "GQA/images";

    public override RawData Read(BuildContext context) =>
        new(
            context.Group(Questions(context, "train_balanced_questions.json")),
            [
                .. Questions(context, "testdev_balanced_questions.json")
                    .Select(question => new RawTest(question.Id, question.Image, question.Turn.Question, question.Turn.Answer)),
            ]
        );

    private static IEnumerable<(string Id, string ImageId, string Image, RawTurn Turn)> Questions(BuildContext context, string file)
    {
        foreach (var (id, entry) in context.Json(file).Dictionary("question", "question", "answer", "imageId"))
        {
            var image = entry.Id("imageId");
            yield return (id, image, context.Image(image + ".jpg"), new RawTurn(entry.Text("question"), entry.Text("answer")));
        }
    }
}
