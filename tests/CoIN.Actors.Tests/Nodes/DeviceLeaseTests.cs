using CoIN.Actors.Nodes;
using CoIN.Actors.Tests.Support;
using CoIN.Benchmark;

namespace CoIN.Actors.Tests.Nodes;

public sealed class DeviceLeaseTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_card_belongs_to_one_node_whatever_number_it_has_there_and_a_CPU_to_all()
    {
        using (DeviceLease.Take(["cpu", "cuda:0", "cuda:1"], folder.Path))
        {
            using var cpu = DeviceLease.Take(["cpu"], folder.Path);
            Assert.Contains(
                $"process {Environment.ProcessId}",
                Assert.Throws<CoinException>(() => DeviceLease.Take(["cuda:1"], folder.Path)).Message,
                StringComparison.Ordinal
            );
            Assert.Throws<CoinException>(() => DeviceLease.Take(["cuda:0"], folder.Path, visible: "1,2"));
            using var third = DeviceLease.Take(["cuda:1"], folder.Path, visible: "1,2");
        }

        using var again = DeviceLease.Take(["cuda:0", "cuda:1"], folder.Path);
    }
}
