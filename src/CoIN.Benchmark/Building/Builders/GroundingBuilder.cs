using CoIN.Benchmark.Data;
using CoIN.Benchmark.Instructions;

namespace CoIN.Benchmark.Building;

/// <summary>
/// Grounding: RefCOCO, RefCOCO+ (Yu et al. 2016) and RefCOCOg (Mao et al. 2016), each a folder with <c>refs(unc|umd|google).p</c> and
/// <c>instances.json</c>.
/// </summary>
/// <remarks>
/// Training: of each data set one annotation per image, and one of its sentences, both drawn by the seed (the paper: one annotation per
/// image). That gives the 55k of the paper's Table 1. Test: every sentence of testA and testB, of RefCOCOg's test: the 30,969 on which the
/// paper's numbers were computed. An image may be in one data set's training split and in another's test split.
/// </remarks>
internal sealed class GroundingBuilder : TaskBuilder
{
    private static readonly string[] Sets = ["refcoco", "refcoco+", "refcocog"];

    public override string Task => "Grounding";

    public override string ImageFolder => "COCO2014/train2014";

    public override string Ask(string question, string instruction) =>
        instruction.Replace(TaskInstructions.Description, question, StringComparison.Ordinal);

    public override RawData Read(BuildContext context)
    {
        var training = new List<RawTraining>();
        var test = new List<RawTest>();
        var notes = new List<string>();
        foreach (var set in Sets)
        {
            var folder = context.Raw.Folder(set);
            var path = folder.AnyFile("refs(unc).p", "refs(umd).p", "refs(google).p");
            var instances = CocoInstances.Read(new RawJson(folder.File("instances.json"), context.Stop));
            var references = References(context, set, path, instances);
            AddTraining(context, set, references, training);
            AddTest(context, set, references, test);
            notes.Add($"{set}: {Path.GetFileName(path)}, tested on {string.Join(" and ", TestSplits(references))}.");
        }

        return new RawData(training, test) { Notes = notes };
    }

    private static void AddTraining(BuildContext context, string set, IReadOnlyList<BoxedReference> references, List<RawTraining> training)
    {
        foreach (var image in references.Where(reference => reference.Of.Split == "train").GroupBy(reference => reference.Of.ImageId))
        {
            var candidates = image.ToList();
            var random = context.Random($"{set} {image.Key}");
            var (reference, box, file) = candidates[random.Next(candidates.Count)];
            var (sentenceId, sentence) = reference.Sentences[random.Next(reference.Sentences.Count)];
            training.Add(
                new RawTraining($"{set}-{reference.Id}-{sentenceId}", file, [new RawTurn(sentence, box.Padded(PixelBox.LearnedDecimals))])
                {
                    UnpaddedBox = box.Unpadded(PixelBox.LearnedDecimals),
                }
            );
        }
    }

    private static void AddTest(BuildContext context, string set, IReadOnlyList<BoxedReference> references, List<RawTest> test)
    {
        var splits = TestSplits(references);
        foreach (var (reference, box, file) in references.Where(reference => splits.Contains(reference.Of.Split)))
        {
            foreach (var (sentenceId, sentence) in reference.Sentences)
            {
                test.Add(
                    new RawTest($"{set}-{reference.Id}-{sentenceId}", file, sentence, box.Padded(PixelBox.TruthDecimals))
                    {
                        Box = new GroundingBox(box.Unpadded(PixelBox.TruthDecimals), box.ImageWidth, box.ImageHeight),
                    }
                );
            }
        }
    }

    /// <summary>
    /// RefCOCO and RefCOCO+ have testA (people) and testB, RefCOCOg's umd split has test; its google split has none, so its val is taken.
    /// </summary>
    private static IReadOnlyList<string> TestSplits(IReadOnlyList<BoxedReference> references)
    {
        string[] tests =
        [
            .. references
                .Select(reference => reference.Of.Split)
                .Where(split => split.StartsWith("test", StringComparison.Ordinal))
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
        return tests.Length > 0 ? tests : ["val"];
    }

    private static List<BoxedReference> References(BuildContext context, string set, string path, CocoInstances instances)
    {
        var boxed = new List<BoxedReference>();
        foreach (var reference in ReferencesFile.Read(path))
        {
            context.Stop.ThrowIfCancellationRequested();
            var box = instances.Box(path, reference);
            var drops = reference.Split == "train" ? context.Training : context.Test;
            if (box.IsEmpty)
            {
                drops.Add("its box has no area within the image", $"{set}-{reference.Id}");
            }
            else if (reference.Sentences.Count == 0)
            {
                drops.Add("it has no sentence", $"{set}-{reference.Id}");
            }
            else
            {
                boxed.Add(new BoxedReference(reference, box, context.Image(instances.FileOf(reference))));
            }
        }

        return boxed;
    }

    private sealed record BoxedReference(Reference Of, PixelBox Box, string File);
}
