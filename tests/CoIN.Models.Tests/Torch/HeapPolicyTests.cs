using CoIN.Models.Torch;

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
    public void The_policy_can_be_set_and_memory_given_back()
    {
        Assert.True(HeapPolicy.Apply(["PATH"]));
        HeapPolicy.GiveBack();
    }
}
