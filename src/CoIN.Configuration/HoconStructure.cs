using CoIN.Benchmark;

namespace CoIN.Configuration;

/// <summary>A stretch of a file between two includes, or an include (then <paramref name="Include"/> is its path).</summary>
internal sealed record HoconPart(string Text, string? Include, int Line);

/// <summary>
/// The brackets, strings and includes of a HOCON text. Akka's parser neither complains about a bracket too many or too few (it silently
/// drops what follows) nor gives line numbers, and its merge lets an include lose against an earlier one; so both are done here.
/// </summary>
internal sealed class HoconStructure
{
    private readonly string text;
    private readonly string file;
    private readonly Stack<(char Open, int Line)> open = new();
    private readonly List<HoconPart> parts = [];

    // HOCON lets a comma follow an object's field; Akka's parser does not where the field is an object.
    private readonly HashSet<int> ends = [];
    private bool afterObject;
    private int at;
    private int line = 1;
    private int partStart;
    private int partLine = 1;

    private HoconStructure(string text, string file)
    {
        this.text = text;
        this.file = file;
    }

    /// <summary>Splits a text at its includes.</summary>
    /// <exception cref="CoinException">A bracket or a quotation mark has no partner, or an include stands inside an object.</exception>
    public static IReadOnlyList<HoconPart> Split(string text, string file) => new HoconStructure(text, file).Scan();

    private IReadOnlyList<HoconPart> Scan()
    {
        var lineStart = true;
        while (at < text.Length)
        {
            var c = text[at];
            switch (c)
            {
                case '\n':
                    line++;
                    at++;
                    lineStart = true;
                    continue;
                case ' ' or '\t' or '\r':
                    at++;
                    continue;
                case '#':
                case '/' when Ahead("//"):
                    SkipLine();
                    continue;
                case '"':
                    SkipString();
                    break;
                case '{' or '[':
                    open.Push((c, line));
                    at++;
                    break;
                case '}' or ']':
                    Close(c);
                    at++;
                    (afterObject, lineStart) = (c == '}', false);
                    continue;
                case ',' when afterObject && !(open.TryPeek(out var around) && around.Open == '['):
                    ends.Add(at++);
                    break;
                default:
                    if (lineStart && IsInclude())
                    {
                        TakeInclude();
                    }
                    else
                    {
                        SkipWord();
                    }

                    break;
            }

            (afterObject, lineStart) = (false, false);
        }

        if (open.TryPop(out var left))
        {
            throw Fault(left.Line, $"'{left.Open}' is never closed. Add the missing '{Partner(left.Open)}'");
        }

        EndPart();
        return parts;
    }

    private bool IsInclude() => Ahead("include") && at + 7 < text.Length && text[at + 7] is ' ' or '\t' or '"';

    private void TakeInclude()
    {
        var end = text.IndexOf('\n', at);
        end = end < 0 ? text.Length : end;
        var rest = text[(at + 7)..end].Trim();
        var close = rest.Length > 1 && rest[0] == '"' ? rest.IndexOf('"', 1) : -1;
        var tail = close < 0 ? "" : rest[(close + 1)..].Trim();
        if (close < 2 || (tail.Length > 0 && tail[0] != '#' && !tail.StartsWith("//", StringComparison.Ordinal)))
        {
            throw Fault(line, "an include is written include \"file.hocon\", alone on its line");
        }

        if (open.Count > 0)
        {
            throw Fault(line, "an include stands at the top of a file, not inside { }. Move it out");
        }

        EndPart();
        parts.Add(new HoconPart("", rest[1..close], line));
        at = end;
        partStart = end;
        partLine = line;
    }

    private void EndPart()
    {
        var text = string.Concat(this.text[partStart..at].Select((c, place) => ends.Contains(partStart + place) ? '\n' : c));
        if (!string.IsNullOrWhiteSpace(text))
        {
            parts.Add(new HoconPart(text, null, partLine));
        }
    }

    private void Close(char c)
    {
        if (!this.open.TryPop(out var open))
        {
            throw Fault(line, $"'{c}' closes nothing. Remove it, or add the missing '{(c == '}' ? '{' : '[')}' before it");
        }

        if (Partner(open.Open) != c)
        {
            throw Fault(line, $"'{c}' closes the '{open.Open}' of line {open.Line}. Write '{Partner(open.Open)}' there");
        }
    }

    private void SkipWord()
    {
        while (at < text.Length && text[at] is not ('\n' or ' ' or '\t' or '"' or '{' or '}' or '[' or ']' or '#') && !Ahead("//"))
        {
            // A substitution's braces belong to it.
            if (Ahead("${"))
            {
                var end = text.IndexOf('}', at);
                at = end < 0 ? throw Fault(line, "'${' is never closed. Add the missing '}'") : end;
            }

            at++;
        }
    }

    private void SkipString()
    {
        var start = line;
        if (Ahead("\"\"\""))
        {
            var end = text.IndexOf("\"\"\"", at + 3, StringComparison.Ordinal);
            if (end < 0)
            {
                throw Fault(start, "the text that begins with \"\"\" is never closed. Add the closing \"\"\"");
            }

            line += text.AsSpan(at, end - at).Count('\n');
            at = end + 3;
            return;
        }

        for (at++; at < text.Length && text[at] is not ('"' or '\n'); at++)
        {
            if (text[at] == '\\')
            {
                at++;
            }
        }

        if (at >= text.Length || text[at] == '\n')
        {
            throw Fault(start, "a quotation mark is never closed. Add the closing \" on the same line");
        }

        at++;
    }

    private void SkipLine()
    {
        var end = text.IndexOf('\n', at);
        at = end < 0 ? text.Length : end;
    }

    private bool Ahead(string what) => string.CompareOrdinal(text, at, what, 0, what.Length) == 0;

    private static char Partner(char open) => open == '{' ? '}' : ']';

    private CoinException Fault(int line, string what) => new($"{file}, line {line}: {what}.");
}
