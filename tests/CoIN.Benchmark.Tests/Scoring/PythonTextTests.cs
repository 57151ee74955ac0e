using System.Text;
using CoIN.Benchmark.Scoring.Python;

namespace CoIN.Benchmark.Tests.Scoring;

/// <summary>The expected values are CPython's.</summary>
public sealed class PythonTextTests
{
    [Theory]
    [InlineData("stra\u00DFe", "STRASSE")]
    [InlineData("\u0149 \uFB01 \u0390", "\u02BCN FI \u0399\u0308\u0301")]
    [InlineData("\u0131\u017F", "IS")]
    [InlineData("\u217B", "\u216B")]
    [InlineData("\U00010428", "\U00010400")]
    [InlineData("Abc 1!", "ABC 1!")]
    public void Upper_case_is_the_full_mapping(string text, string upper) => Assert.Equal(upper, PythonText.Upper(text));

    [Theory]
    [InlineData("\u0130", "i\u0307")]
    [InlineData("\u0391\u03A3", "\u03B1\u03C2")]
    [InlineData("\u0391\u03A3.", "\u03B1\u03C2.")]
    [InlineData("\u0391\u03A3\u0391", "\u03B1\u03C3\u03B1")]
    [InlineData("\u0391\u03A3'\u0391", "\u03B1\u03C3'\u03B1")]
    [InlineData("\u0391\u03A3 \u0391", "\u03B1\u03C2 \u03B1")]
    [InlineData("\u0391\u0301\u03A3", "\u03B1\u0301\u03C2")]
    [InlineData("\u03A3", "\u03C3")]
    [InlineData("1\u03A3", "1\u03C3")]
    [InlineData("\U00010400B", "\U00010428b")]
    public void Lower_case_knows_the_dotted_i_and_the_final_sigma(string text, string lower) => Assert.Equal(lower, PythonText.Lower(text));

    [Fact]
    public void Strip_takes_unicode_space_and_separators() => Assert.Equal("a b", PythonText.Strip("\u00A0\t\u001Ca b\u3000\u0085\n"));

    [Fact]
    public void Split_gives_the_words_between_runs_of_space()
    {
        Assert.Equal(["a", "bc"], PythonText.Split(" a\u00A0\u001F bc\n"));
        Assert.Empty(PythonText.Split(" \n"));
    }

    [Theory]
    [InlineData("_", true)]
    [InlineData("\u00B2", true)]
    [InlineData("\u2166", true)]
    [InlineData("\u7B54", true)]
    [InlineData("\u0301", false)]
    [InlineData("-", false)]
    public void Word_characters_are_letters_numbers_and_underscore(string character, bool word) =>
        Assert.Equal(word, PythonText.IsWord(Rune.GetRuneAt(character, 0)));

    [Theory]
    [InlineData("1", 1.0)]
    [InlineData(" \u00A01\u3000\n", 1.0)]
    [InlineData("1_0", 10.0)]
    [InlineData("1.5_5", 1.55)]
    [InlineData("1e1_0", 1e10)]
    [InlineData(".5", 0.5)]
    [InlineData("5.", 5.0)]
    [InlineData("+.5e-3", 0.0005)]
    [InlineData("-2E2", -200.0)]
    [InlineData("\u0661\u0662", 12.0)]
    [InlineData("\U0001D7CF\U0001D7D0", 12.0)]
    [InlineData("infinity", double.PositiveInfinity)]
    [InlineData("-InF", double.NegativeInfinity)]
    [InlineData("NaN", double.NaN)]
    [InlineData("1e999", double.PositiveInfinity)]
    public void Floats_are_read_as_python_reads_them(string text, double number) => Assert.Equal(number, PythonFloat.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("1__0")]
    [InlineData("_1")]
    [InlineData("1_")]
    [InlineData("1_.5")]
    [InlineData("1._5")]
    [InlineData("1_e1")]
    [InlineData("1e")]
    [InlineData("1 2")]
    [InlineData("0x10")]
    [InlineData("1,5")]
    [InlineData("\u001C1")]
    [InlineData("\u0130nf")]
    public void What_python_refuses_is_no_float(string text) => Assert.Null(PythonFloat.Parse(text));
}
