using System.Security.Cryptography;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Mini.Drawing;
using CoIN.Mini.Tasks;
using CoIN.Mini.World;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using SkiaSharp;

namespace CoIN.Mini;

/// <summary>How many samples of each task are drawn, and from which seed.</summary>
public sealed record MiniDatasetOptions(int Seed = 1, int TrainPerTask = 1920, int TestPerTask = 200);

/// <summary>
/// Writes the miniature tasks as ordinary CoIN folders: <c>Instructions_Original/&lt;Task&gt;/train.json</c> and <c>test.json</c>, and the
/// pictures as PNG files below <c>images</c>. Nothing that reads them can tell them from published ones.
/// </summary>
public static class MiniDataset
{
    /// <summary>Folder of the instructions below the data set's folder.</summary>
    public const string Instructions = "Instructions_Original";

    /// <summary>Folder of the pictures below the data set's folder.</summary>
    public const string Images = "images";

    internal const string TrainSplit = "train",
        TestSplit = "test";

    // Keeps the data sets' random numbers apart from the corpus's.
    private const long Stream = 0x64617461;

    /// <summary>Writes a data set; the folder appears whole or not at all.</summary>
    /// <param name="folder">The data set's folder; what stands there is replaced.</param>
    /// <exception cref="Benchmark.CoinException">The folder cannot be written.</exception>
    public static void Generate(string folder, MiniDatasetOptions options) => Durable.WriteFolder(folder, temporary =>
        {
            foreach (var task in MiniTasks.All)
            {
                Write(temporary, task, TrainSplit, options.Seed, options.TrainPerTask, Training);
                Write(temporary, task, TestSplit, options.Seed, options.TestPerTask, Test);
            }

            ManyFiles.Flush(Path.Combine(temporary, Images));
        });

    /// <summary>One item of a task's training or test set. No picture belongs to both, whatever the seeds and sizes.</summary>
    internal static MiniItem Draw(MiniTask task, string split, int seed, int index)
    {
        var test = split == TestSplit;
        for (var attempt = 0; ; attempt++)
        {
            var item = task.Draw(new SeededRandom(SeededRandom.Combine(seed, Stream, Place(task), test ? 1 : 0, index, attempt)));
            if (IsForTests(item.Picture) == test)
            {
                return item;
            }
        }
    }

    /// <summary>The question as the data set has it: with OCR tokens and instruction, each on its line.</summary>
    internal static string Question(MiniTask task, MiniItem item) =>
        string.Join(
            "\n",
            new[]
            {
                item.Short.Question,
                item.OcrTokens.Count > 0 ? $"Reference OCR token: {string.Join(", ", item.OcrTokens)}" : "",
                task.Instruction,
            }.Where(line => line.Length > 0)
        );

    /// <summary>
    /// A quarter of all pictures is for tests. The pixels decide: signs and covers are so few that two independent draws would share many
    /// of them.
    /// </summary>
    private static bool IsForTests(Canvas picture) => SHA256.HashData(picture.Pixels)[0] < 64;

    private static int Place(MiniTask task)
    {
        var place = 0;
        while (MiniTasks.All[place].Folder != task.Folder)
        {
            place++;
        }

        return place;
    }

    private static void Write(
        string folder,
        MiniTask task,
        string split,
        int seed,
        int count,
        Func<MiniTask, MiniItem, string, string, JObject> sample
    )
    {
        var pictures = Directory.CreateDirectory(Path.Combine(folder, Images, task.Folder, split)).FullName;
        var samples = new JObject[count];
        Parallel.For(0, count, index =>
        {
            var item = Draw(task, split, seed, index);
            var name = $"{index:00000}.png";
            File.WriteAllBytes(Path.Combine(pictures, name), Png(item.Picture));
            samples[index] = sample(task, item, $"{task.Folder.ToLowerInvariant()}-{split}-{index}", $"./{task.Folder}/{split}/{name}");
        });
        Durable.WriteText(
            Path.Combine(folder, Instructions, task.Folder, $"{split}.json"),
            new JArray(samples.Cast<object>().ToArray()).ToString(Formatting.Indented) + "\n"
        );
    }

    private static JObject Training(MiniTask task, MiniItem item, string id, string image)
    {
        var sample = new JObject
        {
            ["id"] = id,
            ["image"] = image,
            ["conversations"] = new JArray(
                new JObject { ["from"] = "human", ["value"] = $"<image>\n{Question(task, item)}" },
                new JObject { ["from"] = "gpt", ["value"] = item.Short.Answer }
            ),
        };
        if (task.Folder == "Grounding")
        {
            sample["origin_answer_bbox"] = item.Short.Answer;
        }

        return sample;
    }

    private static JObject Test(MiniTask task, MiniItem item, string id, string image)
    {
        var sample = new JObject
        {
            ["question_id"] = id,
            ["image"] = image,
            ["text"] = Question(task, item),
        };
        switch (task.Folder)
        {
            case "Grounding":
                // The picture is square: padded and unpadded coordinates are the same.
                sample["answer"] = item.Short.Answer;
                sample["answer_bbox"] = item.Short.Answer;
                sample["origin_answer_bbox"] = item.Short.Answer;
                sample["size"] = new JArray(Canvas.Size, Canvas.Size);
                break;
            case "TextVQA":
                // Ten people, who agree.
                sample["answer"] = new JArray(Enumerable.Repeat(item.Short.Answer, 10));
                break;
            default:
                sample["answer"] = item.Short.Answer;
                break;
        }

        return sample;
    }

    private static unsafe byte[] Png(Canvas canvas)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Canvas.Size, Canvas.Size, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var target = new Span<byte>((void*)bitmap.GetPixels(), bitmap.ByteCount);
        for (int from = 0, to = 0; from < canvas.Pixels.Length; from += 3, to += 4)
        {
            canvas.Pixels.AsSpan(from, 3).CopyTo(target[to..]);
            target[to + 3] = 255;
        }

        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
