using CoIN.Models.Tokenization;

namespace CoIN.Models.Tests.Tokenization;

public sealed class WordPatternTests
{
    [Theory]
    [InlineData("It's 12 o'clock", "It|'s| |1|2| o|'clock")]
    [InlineData("a  b\n\n c", "a| | b|\n\n| c")]
    [InlineData("x!?\n", "x|!?\n")]
    // Letters, numbers and pictures beyond U+FFFF are one character each.
    [InlineData("a\U00020000b", "a\U00020000b")]
    [InlineData("\U0001D7D8\U0001D7D9", "\U0001D7D8|\U0001D7D9")]
    [InlineData("\U0001F600abc", "\U0001F600abc")]
    [InlineData("abc \U0001F600\U0001F600", "abc| \U0001F600\U0001F600")]
    public void Texts_are_cut_into_words(string text, string pieces) =>
        Assert.Equal(pieces, string.Join('|', WordPattern.Words.Matches(text).Select(match => match.Value)));
}
