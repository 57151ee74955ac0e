using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>
/// TextVQA 0.5.1 (Singh et al. 2019) with the tokens that Rosetta's OCR read: <c>TextVQA_0.5.1_{train,val}.json</c> and
/// <c>TextVQA_Rosetta_OCR_v0.2_{train,val}.json</c>. Learned is the most frequent of the ten answers; the validation set is the test set,
/// since the real one's answers are not public.
/// </summary>
internal sealed class TextVqaBuilder : TaskBuilder
{
    public override string Task => "TextVQA";

    public override string TestFile => "val.json";

    /// <summary>Training and validation images lie in the same folder.</summary>
    public override string ImageFolder => "TextVQA/train_images";

    public override RawData Read(BuildContext context)
    {
        var training = new List<RawTraining>();
        foreach (var (id, image, question, answers) in Questions(context, "train"))
        {
            if (Annotators.MostFrequent(answers) is { } answer)
            {
                training.Add(new RawTraining(id, image, [new RawTurn(question, answer)]));
            }
            else
            {
                context.Training.Add("it has no answer", id);
            }
        }

        var test = new List<RawTest>();
        foreach (var (id, image, question, answers) in Questions(context, "val"))
        {
            if (Annotators.MostFrequent(answers) is { } answer)
            {
                test.Add(new RawTest(id, image, question, answer) { Answers = answers, AnswersOnly = true });
            }
            else
            {
                context.Test.Add("it has no answer", id);
            }
        }

        return new RawData(training, test);
    }

    private static IEnumerable<(string Id, string Image, string Question, string[] Answers)> Questions(BuildContext context, string split)
    {
        var (questions, words) = ($"TextVQA_0.5.1_{split}.json", $"TextVQA_Rosetta_OCR_v0.2_{split}.json");
        var tokens = Tokens(context, words);
        var json = context.Json(questions);
        foreach (var (_, entry) in json.Lists(null, ("data", "question", "question_id", ["image_id", "question", "answers", "set_name"])))
        {
            if (entry.OptionalText("set_name") is { Length: > 0 } set && set != split)
            {
                throw entry.Fault($"is of the set {set}, not of {split}", $"Put TextVQA's own {questions} there");
            }

            if (entry["answers"] is null)
            {
                throw json.Wrong("its questions have no answers");
            }

            var imageId = entry.Text("image_id");
            if (!tokens.TryGetValue(imageId, out var seen))
            {
                throw entry.Fault(
                    $"is about the image {imageId}, for which {words} has no OCR tokens",
                    $"Put the {words} of the same release there"
                );
            }

            yield return (
                entry.Id("question_id"),
                context.Image(imageId + ".jpg"),
                $"{entry.Text("question")}\nReference OCR token: {seen}",
                entry.Texts("answers")
            );
        }
    }

    /// <summary>The tokens of every image, joined; an image is named once for each of its questions.</summary>
    private static Dictionary<string, string> Tokens(BuildContext context, string name)
    {
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (_, entry) in context.Json(name).Lists(null, ("data", "image", "image_id", ["ocr_tokens"])))
        {
            var id = entry.Id("image_id");
            if (!tokens.ContainsKey(id))
            {
                // A token is one line's part of a comma-separated list.
                tokens.Add(
                    id,
                    string.Join(
                        ", ",
                        entry.Texts("ocr_tokens").Select(token => token.ReplaceLineEndings(" ")).Where(token => token.Length > 0)
                    )
                );
            }
        }

        return tokens;
    }
}
