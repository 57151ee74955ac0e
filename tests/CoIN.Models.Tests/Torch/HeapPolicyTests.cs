using System.Globalization;
using CoIN.Models.Checkpoints;
using CoIN.Models.Torch;
using TorchSharp;

namespace CoIN.Models.Tests.Torch;

public sealed class HeapPolicyTests
{
    [Fact]
    public void The_environments_own_policy_stands()
    {
        Assert.False(HeapPolicy.Apply(["PATH", "MALLOC_ARENA_MAX"]));
        Assert.False(HeapPolicy.Apply(["GLIBC_TUNABLES"]));
    }

    [Fact]
    public void Large_weights_lie_where_large_pages_are_asked_for()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && Directory.Exists("/sys/kernel/mm/transparent_hugepage"),
            "This kernel has no large pages."
        );
        using var tensor = CheckpointFolder.Room([1 << 24], torch.ScalarType.Float32, torch.CPU);
        var middle = (ulong)Address(tensor) + (1 << 25);
        var flags = "";
        var within = false;
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.Split(' ')[0].Split('-') is [var from, var to])
            {
                within = ulong.Parse(from, NumberStyles.HexNumber) <= middle && middle < ulong.Parse(to, NumberStyles.HexNumber);
            }
            else if (within && line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                flags = line;
            }
        }

        Assert.Contains(" hg", flags, StringComparison.Ordinal);
    }

    private static unsafe nint Address(torch.Tensor tensor)
    {
        fixed (byte* first = tensor.bytes)
        {
            return (nint)first;
        }
    }

    [Fact]
    public void The_policy_can_be_set_and_memory_given_back()
    {
        Assert.True(HeapPolicy.Apply(["PATH"]));
        HeapPolicy.GiveBack();
    }
}
