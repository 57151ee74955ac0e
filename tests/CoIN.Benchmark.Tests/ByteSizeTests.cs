namespace CoIN.Benchmark.Tests;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData(0, 2, "0.00 kB")]
    [InlineData(999, 2, "1.00 kB")]
    [InlineData(1_234_567, 2, "1.23 MB")]
    [InlineData(1_000_000, 1, "1.0 MB")]
    [InlineData(24_000_000_000, 1, "24.0 GB")]
    [InlineData(13_476_839_424, 2, "13.48 GB")]
    public void A_size_is_told_in_the_unit_in_which_it_is_at_least_one(double bytes, int digits, string text) =>
        Assert.Equal(text, ByteSize.Text(bytes, digits));
}
