using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>
/// OCR-VQA (Mishra et al. 2019): <c>dataset.json</c>, books by id, each with several questions about its cover. Split 1 is for training, 3
/// for the test, 2 (validation) is not used. Every test question is a sample of its own, with the id <c>book_number</c>.
/// </summary>
internal sealed class OcrVqaBuilder : TaskBuilder
{
    public override string Task => "OCR-VQA";

    public override string Folder => "OCRVQA";

    public override string ImageFolder => "OCR-VQA/images";

    public override RawData Read(BuildContext context)
    {
        var training = new List<(string Id, string ImageId, string Image, RawTurn Turn)>();
        var test = new List<RawTest>();
        foreach (var (id, entry) in context.Json("dataset.json").Dictionary("book", "imageURL", "questions", "answers", "split"))
        {
            var split = entry.Integer("split");
            switch (split)
            {
                case 1:
                    training.AddRange(
                        Questions(context, id, entry, context.Training).Select(question => (question.Id, id, question.Image, question.Turn))
                    );
                    break;
                case 2:
                    break;
                case 3:
                    test.AddRange(
                        Questions(context, id, entry, context.Test)
                            .Select(question => new RawTest(question.Id, question.Image, question.Turn.Question, question.Turn.Answer))
                    );
                    break;
                default:
                    throw entry.Fault($"has the split {split}; there are 1 (training), 2 (validation) and 3 (test)");
            }
        }

        return new RawData(context.Group(training), test);
    }

    private static IEnumerable<(string Id, string Image, RawTurn Turn)> Questions(
        BuildContext context,
        string id,
        RawEntry entry,
        Drops drops
    )
    {
        var (questions, answers) = (entry.Texts("questions"), entry.Texts("answers"));
        if (questions.Length != answers.Length)
        {
            throw entry.Fault($"has {questions.Length} questions but {answers.Length} answers");
        }

        // The data set's own downloader names a cover by the book's id and the address's ending.
        var ending = Path.GetExtension(entry.Text("imageURL").Split('?')[0]);
        var image = context.Image(id + (ending.Length > 0 ? ending : ".jpg"));
        for (var index = 0; index < questions.Length; index++)
        {
            var name = $"{id}_{index}";
            if (questions[index].Length == 0 || answers[index].Length == 0)
            {
                drops.Add(questions[index].Length == 0 ? "its question is empty" : "it has no answer", name);
                continue;
            }

            yield return (name, image, new RawTurn(questions[index], answers[index]));
        }
    }
}
