using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Pickle;

namespace CoIN.Benchmark.Building;

/// <summary>One reference of RefCOCO: an annotation, and sentences that describe it.</summary>
/// <param name="Id"><c>ref_id</c>.</param>
/// <param name="AnnotationId"><c>ann_id</c> in instances.json.</param>
/// <param name="ImageId">COCO's image id.</param>
/// <param name="Split">train, val, test, testA or testB.</param>
/// <param name="Sentences">Ids (<c>sent_id</c>) and texts (<c>sent</c>) of the sentences that say something.</param>
internal sealed record Reference(long Id, long AnnotationId, long ImageId, string Split, IReadOnlyList<(long Id, string Text)> Sentences);

/// <summary>Reads <c>refs(….).p</c>: a Python pickle of a list of dicts. Nothing but plain data is taken from it.</summary>
internal static class ReferencesFile
{
    private static readonly string[] Splits = ["train", "val", "test", "testA", "testB"];

    /// <summary>Reads all references in file order.</summary>
    /// <exception cref="CoinException">The file is no such pickle, or a reference cannot be used.</exception>
    public static IReadOnlyList<Reference> Read(string path)
    {
        object? root;
        try
        {
            using var stream = new BufferedStream(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read), 1 << 16);
            root = Unpickler.Load(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. Make it a readable file.", e);
        }

        return root is PickleList list
            ? [.. list.Select((item, index) => Reference(new Item(path, $"reference number {index + 1}", item)))]
            : throw new CoinException($"{path}: it is no pickled list of references. Copy the file again from the data set's source.");
    }

    private static Reference Reference(Item item)
    {
        var id = item.Long("ref_id");
        var named = item with { Name = $"reference {id}" };
        var split = named.Text("split");
        if (!Splits.Contains(split))
        {
            throw named.Fault($"has the split {split}; there are {string.Join(", ", Splits)}");
        }

        var sentences = named
            .List("sentences")
            .Select((sentence, index) => named with { Name = $"{named.Name}, sentence number {index + 1}", Value = sentence })
            .Select(sentence => (sentence.Long("sent_id"), sentence.Text("sent").Trim()))
            .Where(sentence => sentence.Item2.Length > 0);
        return new Reference(id, named.Long("ann_id"), named.Long("image_id"), split, [.. sentences]);
    }

    /// <summary>A dict of the pickle, which knows where it stands.</summary>
    private sealed record Item(string Path, string Name, object? Value)
    {
        public long Long(string key) => Get(key) is long value ? value : throw Fault($"has no whole number as \"{key}\"");

        public string Text(string key) => Get(key) is string value ? value : throw Fault($"has no text as \"{key}\"");

        public IReadOnlyList<object?> List(string key) => Get(key) as PickleList ?? throw Fault($"has no list as \"{key}\"");

        public CoinException Fault(string fault) => new($"{Path}, {Name}: it {fault}. Copy the file again from the data set's source.");

        private object? Get(string key) => Value is PickleDictionary fields ? fields.GetValueOrDefault(key) : throw Fault("is no dict");
    }
}
