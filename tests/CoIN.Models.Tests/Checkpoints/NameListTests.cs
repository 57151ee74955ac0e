using CoIN.Models.Checkpoints;

namespace CoIN.Models.Tests.Checkpoints;

public sealed class NameListTests
{
    [Fact]
    public void Names_that_differ_in_number_or_end_are_folded_and_every_one_is_in_the_list()
    {
        string[] names = ["head", "l.0.w", "l.1.w", "l.2.w", "l.5.w", "l.7.b", "a1.w", "a1.b"];
        Assert.Equal("head, l.{0-2,5}.w, l.7.b, a1.{w,b}", NameList.Of(names));
    }
}
