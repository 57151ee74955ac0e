using CoIN.Cli.Hosting;

namespace CoIN.Cli.Tests.Views;

public sealed class TerminalTests
{
    [Theory]
    [InlineData(true, null, null, true)]
    [InlineData(false, null, null, false)]
    [InlineData(true, "TERM", "dumb", false)]
    [InlineData(true, "CI", "true", false)]
    public void The_live_view_is_for_a_terminal_with_a_person_before_it(bool terminal, string? name, string? value, bool live) =>
        Assert.Equal(live, Terminal.Detect(asked => asked == name ? value : null, terminal, terminal, () => 120).Live);

    [Fact]
    public void Errors_are_coloured_at_a_terminal_unless_colours_are_unwanted()
    {
        Assert.True(Terminal.Detect(_ => null, false, true, () => 120).ErrorColour);
        Assert.False(Terminal.Detect(name => name == "NO_COLOR" ? "1" : null, true, true, () => 120).ErrorColour);
    }

    [Fact]
    public void A_terminal_that_does_not_know_its_width_has_100_columns()
    {
        Assert.Equal(100, Terminal.Detect(_ => null, true, true, () => 0).Width);
        Assert.Equal(100, Terminal.Detect(_ => null, true, true, () => throw new IOException()).Width);
        Assert.Equal(132, Terminal.Detect(_ => null, true, true, () => 132).Width);
    }
}
