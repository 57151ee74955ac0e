namespace CoIN.Models.Tokenization;

/// <summary>Which stretches of a text get a space in front.</summary>
internal enum PrependScheme
{
    Never,

    /// <summary>The one that begins the text.</summary>
    First,

    /// <summary>Every one between added tokens.</summary>
    Always,
}

/// <summary>
/// The pre-tokenizer of that name: spaces become a letter of their own, one more stands in front, and words are cut before it.
/// </summary>
/// <param name="Split">Whether merges stay within words.</param>
internal sealed record Metaspace(char Replacement, PrependScheme Scheme, bool Split)
{
    /// <summary>The words of a stretch of normalized text, or the stretch as one.</summary>
    /// <param name="first">Whether it begins the text.</param>
    public IEnumerable<string> Apply(string text, bool first)
    {
        text = text.Replace(' ', Replacement);
        if ((Scheme == PrependScheme.Always || (Scheme == PrependScheme.First && first)) && !text.StartsWith(Replacement))
        {
            text = Replacement + text;
        }

        if (!Split)
        {
            yield return text;
            yield break;
        }

        for (var from = 0; from < text.Length; )
        {
            var next = text.IndexOf(Replacement, from + 1);
            var to = next < 0 ? text.Length : next;
            yield return text[from..to];
            from = to;
        }
    }
}
