using CoIN.Benchmark.Data;
using CoIN.Benchmark.Data.Reading;

namespace CoIN.Benchmark.Building;

/// <summary>
/// VQAv2 (Goyal et al. 2017): questions <c>v2_OpenEnded_mscoco_{train,val}2014_questions.json</c> and annotations
/// <c>v2_mscoco_{train,val}2014_annotations.json</c>, joined by question id. The answer is <c>multiple_choice_answer</c>; the test file
/// keeps all ten besides.
/// </summary>
internal sealed class VqaV2Builder : TaskBuilder
{
    public override string Task => "VQAv2";

    public override string TestFile => "val.json";

    public override string ImageFolder => "COCO2014";

    public override RawData Read(BuildContext context)
    {
        var training = context.Group(
            Questions(context, "train2014")
                .Select(question => (question.Id, question.ImageId, question.Image, new RawTurn(question.Question, question.Truth.Answer)))
        );
        var test = Questions(context, "val2014")
            .Select(question => new RawTest(question.Id, question.Image, question.Question, question.Truth.Answer)
            {
                Answers = question.Truth.Answers,
            })
            .ToList();
        return new RawData(training, test);
    }

    private static IEnumerable<(string Id, string ImageId, string Image, string Question, Truth Truth)> Questions(
        BuildContext context,
        string set
    )
    {
        var (questions, annotations) = ($"v2_OpenEnded_mscoco_{set}_questions.json", $"v2_mscoco_{set}_annotations.json");
        var truths = Annotations(context, annotations, set);
        var json = context.Json(questions);
        foreach (var (_, entry) in json.Lists(SameSet(json, set), ("questions", "question", "question_id", ["image_id", "question"])))
        {
            var (id, imageId) = (entry.Id("question_id"), entry.Id("image_id"));
            if (!truths.Remove(id, out var truth))
            {
                throw entry.Fault(
                    $"has no annotation in {annotations}, or is there twice",
                    "Put questions and annotations of the same release there"
                );
            }

            if (truth.ImageId != imageId)
            {
                throw entry.Fault(
                    $"is about the image {imageId}, but its annotation in {annotations} is about {truth.ImageId}",
                    "Put questions and annotations of the same release there"
                );
            }

            yield return (id, imageId, context.Image(set, $"COCO_{set}_{imageId.PadLeft(12, '0')}.jpg"), entry.Text("question"), truth);
        }

        if (truths.Count > 0)
        {
            throw new CoinException(
                $"{annotations} has an annotation for question {truths.Keys.First()}, which {questions} does not have "
                    + $"({truths.Count} in all). Put questions and annotations of the same release there."
            );
        }
    }

    private static Dictionary<string, Truth> Annotations(BuildContext context, string file, string set)
    {
        var texts = new SharedTexts();
        var truths = new Dictionary<string, Truth>(StringComparer.Ordinal);
        var json = context.Json(file);
        foreach (
            var (_, entry) in json.Lists(
                SameSet(json, set),
                ("annotations", "annotation", "question_id", ["image_id", "multiple_choice_answer", "answers"])
            )
        )
        {
            var truth = new Truth(
                entry.Id("image_id"),
                texts.Share(entry.Text("multiple_choice_answer")),
                [.. entry.Texts("answers", "answer").Select(texts.Share)]
            );
            if (!truths.TryAdd(entry.Id("question_id"), truth))
            {
                throw entry.Fault("is there twice");
            }
        }

        return truths;
    }

    /// <summary>The files say of which images they are.</summary>
    private static Action<string, Newtonsoft.Json.Linq.JToken> SameSet(RawJson json, string set) =>
        (name, value) =>
        {
            if (name == "data_subtype" && value.ToString() != set)
            {
                throw json.Wrong($"its data_subtype is {value}, not {set}");
            }
        };

    private sealed record Truth(string ImageId, string Answer, string[] Answers);
}
