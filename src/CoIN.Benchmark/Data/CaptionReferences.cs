using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Data;

/// <summary>
/// All reference captions of a test set's images, in the form of COCO's caption annotations:
/// <c>{"images":[{"id","file_name"},…],"annotations":[{"image_id","caption"},…]}</c>. UCIT publishes its references so
/// (<c>val_coco_type_3000.json</c>: five for each image), and one of them as the <c>answer</c> of the test file.
/// </summary>
public sealed class CaptionReferences
{
    private readonly string path;
    private readonly Dictionary<string, IReadOnlyList<string>> byFile;

    private CaptionReferences(string path, Dictionary<string, IReadOnlyList<string>> byFile) => (this.path, this.byFile) = (path, byFile);

    /// <summary>Reads the file.</summary>
    /// <exception cref="CoinException">It is missing or has another form; the message names it.</exception>
    public static CaptionReferences Read(string path)
    {
        try
        {
            using var reader = new JsonTextReader(Utf8Text.Open(path)) { DateParseHandling = DateParseHandling.None };
            var file = JToken.Load(reader) as JObject;
            var images = Entries(path, file, "images");
            var captions = Entries(path, file, "annotations")
                .ToLookup(entry => Id(path, entry, "image_id"), entry => Text(path, entry, "caption"), StringComparer.Ordinal);
            var byFile = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
            foreach (var image in images)
            {
                var name = NameOf(Text(path, image, "file_name"));
                if (!byFile.TryAdd(name, [.. captions[Id(path, image, "id")].Where(caption => !string.IsNullOrWhiteSpace(caption))]))
                {
                    throw Faulty(path, $"two of its images are called {name}");
                }
            }

            return new CaptionReferences(path, byFile);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CoinException($"The references file {path} does not exist. Put it there, or correct references-file of its task.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read the references file {path}: {ReadFault.Why(path, e)}. Make it a readable file.", e);
        }
        catch (JsonException e)
        {
            throw Faulty(path, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>A test sample with all captions of its image as its reference answers; found by the image's file name, folders
    /// aside.</summary>
    /// <exception cref="CoinException">The sample has no image, or its image no captions there.</exception>
    public TestSample Of(TestSample sample)
    {
        if (sample.Image is not { } image)
        {
            throw new CoinException(
                $"Test sample {sample.QuestionId} has no image, and its references are looked up in {path} by one. Name its image."
            );
        }

        return byFile.TryGetValue(NameOf(image), out var captions) && captions.Count > 0
            ? sample with
            {
                Answers = captions,
            }
            : throw new CoinException(
                $"{path} has no captions of the image {NameOf(image)} of test sample {sample.QuestionId}. "
                    + "Name the references that belong to the test file (references-file of its task)."
            );
    }

    private static string NameOf(string image) => image[(image.LastIndexOf('/') + 1)..];

    private static List<JObject> Entries(string path, JObject? file, string key) =>
        file?[key] is JArray list && list.All(item => item is JObject)
            ? [.. list.Cast<JObject>()]
            : throw Faulty(path, $"it has no list of objects \"{key}\"");

    private static string Text(string path, JObject entry, string key) =>
        entry[key] is JValue { Type: JTokenType.String } value ? (string)value! : throw Faulty(path, $"an entry has no text as \"{key}\"");

    private static string Id(string path, JObject entry, string key) =>
        entry[key] is JValue { Type: JTokenType.Integer or JTokenType.String } value
            ? Convert.ToString(value.Value, System.Globalization.CultureInfo.InvariantCulture)!
            : throw Faulty(path, $"an entry has no number or text as \"{key}\"");

    private static CoinException Faulty(string path, string fault, Exception? inner = null) =>
        new(
            $"{path}: {fault}. A references file is COCO's form of captions: "
                + "{\"images\":[{\"id\",\"file_name\"},…],\"annotations\":[{\"image_id\",\"caption\"},…]}.",
            inner
        );
}
