using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using CoIN.Mini.Tests.Support;

namespace CoIN.Mini.Tests;

public sealed class MiniDatasetTests : IDisposable
{
    private static readonly MiniDatasetOptions Few = GeneratedData.Options;

    private readonly string root = Directory.CreateTempSubdirectory("coin-mini-").FullName;

    public static TheoryData<string> Folders => Miniatures.Folders;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void The_same_seed_gives_the_same_bytes_and_another_seed_gives_others()
    {
        Assert.Equal(Generate("once", Few), Generate("again", Few));
        Assert.NotEqual(Generate("once", Few), Generate("other", Few with { Seed = 6 }));

        string Generate(string name, MiniDatasetOptions options)
        {
            MiniDataset.Generate(Path.Combine(root, name), options);
            return Durable.Sha256OfFolder(Path.Combine(root, name));
        }
    }

    [Fact]
    public void A_larger_data_set_begins_with_the_samples_of_a_smaller_one()
    {
        MiniDataset.Generate(Path.Combine(root, "small"), Few);
        MiniDataset.Generate(Path.Combine(root, "large"), Few with { TrainPerTask = 9 });
        var small = TrainingSamples.Read(File("small", "GQA", "train"));
        var large = TrainingSamples.Read(File("large", "GQA", "train"));
        Assert.Equal(
            small.Select(sample => (sample.Id, sample.Conversations[0], sample.Conversations[1])),
            large.Take(small.Count).Select(sample => (sample.Id, sample.Conversations[0], sample.Conversations[1]))
        );
        Assert.Equal(Few.TrainPerTask, small.Count);
        Assert.Equal(9, large.Count);
    }

    [Fact]
    public void What_stood_in_the_folder_is_replaced_and_nothing_unfinished_stays()
    {
        var folder = Path.Combine(root, "data");
        Directory.CreateDirectory(folder);
        System.IO.File.WriteAllText(Path.Combine(folder, "stale.txt"), "old");
        MiniDataset.Generate(folder, Few);
        Assert.False(System.IO.File.Exists(Path.Combine(folder, "stale.txt")));
        Assert.Equal([folder], Directory.EnumerateFileSystemEntries(root));
    }

    [Theory, MemberData(nameof(Folders))]
    public void Training_and_test_pictures_are_never_the_same_whatever_their_seeds(string folder)
    {
        var training = Pictures(MiniDataset.TrainSplit, 1, 400).Concat(Pictures(MiniDataset.TrainSplit, 2, 400)).ToHashSet();
        Assert.DoesNotContain(Pictures(MiniDataset.TestSplit, 1, 100), training.Contains);

        IEnumerable<string> Pictures(string split, int seed, int count) =>
            Enumerable
                .Range(0, count)
                .Select(i => Convert.ToBase64String(MiniDataset.Draw(Miniatures.Task(folder), split, seed, i).Picture.Pixels));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_named()
    {
        var file = Path.Combine(root, "file");
        System.IO.File.WriteAllText(file, "");
        var fault = Assert.Throws<Benchmark.CoinException>(() => MiniDataset.Generate(Path.Combine(file, "data"), Few));
        Assert.Contains(file, fault.Message, StringComparison.Ordinal);
    }

    private string File(string name, string folder, string split) =>
        Path.Combine(root, name, MiniDataset.Instructions, folder, $"{split}.json");
}
