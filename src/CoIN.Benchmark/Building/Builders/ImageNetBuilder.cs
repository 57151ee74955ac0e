using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>
/// ImageNet (ILSVRC 2012): folders <c>train</c> and <c>val</c> with one folder per synset (or a flat <c>val</c> with
/// <c>LOC_val_solution.csv</c>), and a label file, <c>LOC_synset_mapping.txt</c> or <c>synset_words.txt</c>. Some classes are drawn by the
/// seed (the paper took 100 and published no list); they are written to <c>classes.txt</c>. The answer is the first of a class's names.
/// </summary>
internal sealed class ImageNetBuilder : TaskBuilder
{
    private const string ClassesFile = "classes.txt";

    public override string Task => "ImageNet";

    public override string ImageFolder => "ImageNet";

    public override RawData Read(BuildContext context)
    {
        var labels = SynsetLabels.Read(context.Raw.AnyFile("LOC_synset_mapping.txt", "synset_words.txt"));
        var (train, val) = (context.Raw.Folder("train"), context.Raw.Folder("val"));
        var classes = Classes(context, labels, train.Folders());
        var training = new List<RawTraining>();
        foreach (var (synset, label) in classes)
        {
            training.AddRange(
                train
                    .Images(synset)
                    .Select(file => new RawTraining(
                        Path.GetFileNameWithoutExtension(file),
                        context.Image("train", synset, file),
                        [new RawTurn(ImageNetQuestion, label)]
                    ))
            );
        }

        var test = ValidationImages(context, val, classes).ToList();
        train.AddListing(training.Select(sample => sample.Image!));
        val.AddListing(test.Select(sample => sample.Image!));
        return new RawData(training, test)
        {
            Files = new Dictionary<string, string>
            {
                [ClassesFile] = string.Concat(classes.Select(pair => $"{pair.Synset} {pair.Label}\n")),
            },
            Notes =
            [
                context.Options.ClassesFile is { } file
                    ? $"{classes.Count} classes, those of {Path.GetFileName(file)}; they are listed in {ClassesFile}."
                    : $"{classes.Count} classes, drawn by the seed; they are listed in {ClassesFile}. The paper's own 100 are not known.",
            ],
        };
    }

    private const string ImageNetQuestion = "What is the object in the image?";

    private static IReadOnlyList<(string Synset, string Label)> Classes(
        BuildContext context,
        SynsetLabels labels,
        IReadOnlyList<string> folders
    )
    {
        if (context.Options.ClassesFile is { } path)
        {
            return Named(path, labels, folders);
        }

        var known = folders.Where(labels.Contains).ToList();
        var (wanted, random) = (context.Options.Classes, new SeededRandom(context.Options.Seed));
        var drawn = new List<(string Synset, string Label)>();
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        while (drawn.Count < wanted && known.Count > 0)
        {
            var place = random.Next(known.Count);
            var synset = known[place];
            known.RemoveAt(place);

            // Two of ImageNet's classes can have the same first name, e.g. the bird and the machine "crane": an answer could not tell them
            // apart.
            if (names.Add(labels[synset]))
            {
                drawn.Add((synset, labels[synset]));
            }
        }

        return drawn.Count == wanted
            ? [.. drawn.OrderBy(pair => pair.Synset, StringComparer.Ordinal)]
            : throw new CoinException(
                $"ImageNet's train folder has {drawn.Count} classes that have a label, but {wanted} are to be drawn. "
                    + "Unpack all synset folders, use the label file of the same release, or draw fewer with --class-count."
            );
    }

    private static IReadOnlyList<(string Synset, string Label)> Named(string path, SynsetLabels labels, IReadOnlyList<string> folders)
    {
        var classes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (number, synset) in TextLines.Read(path).Select(line => (line.Number, line.Text.Split((char[]?)null, 2)[0])))
        {
            if (!labels.Contains(synset) || !folders.Contains(synset, StringComparer.Ordinal))
            {
                throw new CoinException(
                    $"{path}, line {number}: {synset} is no class with {(labels.Contains(synset) ? "a folder in train" : "a label")}. "
                        + "Write one synset id, such as n01440764, at the beginning of each line."
                );
            }

            if (!classes.TryAdd(synset, labels[synset]))
            {
                throw new CoinException($"{path}, line {number}: {synset} is named twice. Remove one of the lines.");
            }
        }

        if (classes.GroupBy(pair => pair.Value, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } same)
        {
            throw new CoinException(
                $"{path}: the classes {string.Join(" and ", same.Select(pair => pair.Key))} are both called {same.Key}, so that an answer could not tell "
                    + "them apart. Leave all but one out."
            );
        }

        return classes.Count > 0
            ? [.. classes.Select(pair => (pair.Key, pair.Value))]
            : throw new CoinException($"{path} names no class. Write one synset id, such as n01440764, at the beginning of each line.");
    }

    private static IEnumerable<RawTest> ValidationImages(
        BuildContext context,
        RawFolder val,
        IReadOnlyList<(string Synset, string Label)> classes
    )
    {
        var folders = val.Folders();
        if (folders.Count == 0)
        {
            return FlatValidationImages(
                context,
                val,
                classes.ToDictionary(pair => pair.Synset, pair => pair.Label, StringComparer.Ordinal)
            );
        }

        if (classes.FirstOrDefault(pair => !folders.Contains(pair.Synset, StringComparer.Ordinal)) is { Synset: not null } missing)
        {
            throw new CoinException(
                $"ImageNet's val folder has no folder {missing.Synset} ({missing.Label}). Unpack the validation images into one folder per synset."
            );
        }

        return classes.SelectMany(pair =>
            val.Images(pair.Synset)
                .Select(file => new RawTest(
                    Path.GetFileNameWithoutExtension(file),
                    context.Image("val", pair.Synset, file),
                    ImageNetQuestion,
                    pair.Label
                ))
        );
    }

    /// <summary>Validation images in one folder: a table says which class they are of.</summary>
    private static IEnumerable<RawTest> FlatValidationImages(BuildContext context, RawFolder val, Dictionary<string, string> labels)
    {
        var path = context.Raw.File("LOC_val_solution.csv");
        var synsets = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (number, line) in TextLines.Read(path).Skip(1))
        {
            if (line.Split(',', 2) is not [var image, var prediction] || prediction.Split(' ', 2)[0] is not { Length: > 1 } synset)
            {
                throw new CoinException(
                    $"{path}, line {number}: it is not \"image,synset x1 y1 x2 y2 …\". Copy the file again from the data set's source."
                );
            }

            synsets[image] = synset;
        }

        foreach (var file in val.Images(""))
        {
            var id = Path.GetFileNameWithoutExtension(file);
            if (!synsets.TryGetValue(id, out var synset))
            {
                throw new CoinException($"The validation image {file} is not in {path}. Copy the table of the same release there.");
            }

            if (labels.TryGetValue(synset, out var label))
            {
                yield return new RawTest(id, context.Image("val", file), ImageNetQuestion, label);
            }
        }
    }
}
