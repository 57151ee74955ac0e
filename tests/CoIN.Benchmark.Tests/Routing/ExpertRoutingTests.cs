using CoIN.Benchmark.Routing;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Routing;

public sealed class ExpertRoutingTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static readonly ExpertRouting First = Of([(2, [0.5, 1.5]), (2, [1, 1])], [(1, [1, 0]), (1, [0.5, 0.5])]);
    private static readonly ExpertRouting Second = Of([(6, [3, 3]), (6, [6, 0])], [(3, [0, 3]), (3, [1.5, 1.5])]);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Parts_of_a_test_set_count_by_their_positions()
    {
        var sum = First.Add(Second);
        Assert.Equal(8, sum.Layers[0].Linears[0].Positions);

        // Linear maps: (0.5 + 3) / 8 and (1 + 6) / 8, averaged; not the mean of the parts' means.
        Assert.Equal((3.5 / 8 + 7.0 / 8) / 2, sum.Layers[0].Means[0], 12);
        Assert.Equal((sum.Layers[0].Means[0] + sum.Layers[1].Means[0]) / 2, sum.Means[0], 12);
        Assert.Equal(1, sum.Means.Sum(), 12);
    }

    [Fact]
    public void A_file_gives_back_what_was_written_and_parts_add_up_to_the_whole()
    {
        RoutingFile.Write(folder.File("a.json"), First);
        RoutingFile.Write(folder.File("b.json"), Second);
        Same(First, RoutingFile.Read(folder.File("a.json"))!);
        Same(First.Add(Second), RoutingFile.Sum([folder.File("a.json"), folder.File("b.json")])!);
    }

    [Fact]
    public void Where_a_part_is_missing_there_is_no_sum_and_nothing_takes_the_place_of_what_was()
    {
        RoutingFile.Write(folder.File("a.json"), First);
        Assert.Null(RoutingFile.Sum([folder.File("a.json"), folder.File("gone.json")]));
        RoutingFile.Write(folder.File("a.json"), null);
        Assert.False(File.Exists(folder.File("a.json")));
        Assert.Null(RoutingFile.Read(folder.File("a.json")));
    }

    [Fact]
    public void Adapters_of_different_forms_are_not_added() =>
        Assert.Throws<CoinException>(() => First.Add(Of([(2, [1, 0.5, 0.5]), (2, [1, 1, 0])], [(1, [1, 0, 0]), (1, [0, 1, 0])])));

    [Theory]
    [InlineData("{")]
    [InlineData("{\"version\":1}")]
    [InlineData("{\"version\":2,\"layers\":[]}")]
    [InlineData("{\"version\":1,\"layers\":[{\"linears\":[{\"name\":\"q\",\"positions\":\"many\",\"weights\":[1]}]}]}")]
    public void A_damaged_file_is_named(string text)
    {
        File.WriteAllText(folder.File("a.json"), text);
        Assert.Contains(
            folder.File("a.json"),
            Assert.Throws<CoinException>(() => RoutingFile.Read(folder.File("a.json"))).Message,
            StringComparison.Ordinal
        );
    }

    private static void Same(ExpertRouting expected, ExpertRouting found) =>
        Assert.Equal(
            expected.Layers.SelectMany(layer => layer.Linears).Select(one => $"{one.Name} {one.Positions} {string.Join(' ', one.Weights)}"),
            found.Layers.SelectMany(layer => layer.Linears).Select(one => $"{one.Name} {one.Positions} {string.Join(' ', one.Weights)}")
        );

    private static ExpertRouting Of(params (double Positions, double[] Weights)[][] layers) =>
        new([
            .. layers.Select(layer => new RoutingLayer([
                .. layer.Select((one, i) => new RoutingShare($"map{i}", one.Positions, one.Weights)),
            ])),
        ]);
}
