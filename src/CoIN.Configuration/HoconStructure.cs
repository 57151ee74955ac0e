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
    private readonly string _text;
    private readonly string _file;
    private readonly Stack<(char Open, int Line)> _open = new();
    private readonly List<HoconPart> _parts = [];
    private int _at;
    private int _line = 1;
    private int _partStart;
    private int _partLine = 1;

    private HoconStructure(string text, string file)
    {
        _text = text;
        _file = file;
    }

    /// <summary>Splits a text at its includes.</summary>
    /// <exception cref="CoinException">A bracket or a quotation mark has no partner, or an include stands inside an object.</exception>
    public static IReadOnlyList<HoconPart> Split(string text, string file) => new HoconStructure(text, file).Scan();

    private IReadOnlyList<HoconPart> Scan()
    {
        var lineStart = true;
        while (_at < _text.Length)
        {
            var c = _text[_at];
            switch (c)
            {
                case '\n':
                    _line++;
                    _at++;
                    lineStart = true;
                    continue;
                case ' ' or '\t' or '\r':
                    _at++;
                    continue;
                case '#':
                case '/' when Ahead("//"):
                    SkipLine();
                    continue;
                case '"':
                    SkipString();
                    break;
                case '{' or '[':
                    _open.Push((c, _line));
                    _at++;
                    break;
                case '}' or ']':
                    Close(c);
                    _at++;
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

            lineStart = false;
        }

        if (_open.TryPop(out var left))
        {
            throw Fault(left.Line, $"'{left.Open}' is never closed. Add the missing '{Partner(left.Open)}'");
        }

        EndPart();
        return _parts;
    }

    private bool IsInclude() =>
        Ahead("include") && _at + 7 < _text.Length && _text[_at + 7] is ' ' or '\t' or '"';

    private void TakeInclude()
    {
        var end = _text.IndexOf('\n', _at);
        end = end < 0 ? _text.Length : end;
        var rest = _text[(_at + 7)..end].Trim();
        var close = rest.Length > 1 && rest[0] == '"' ? rest.IndexOf('"', 1) : -1;
        var tail = close < 0 ? "" : rest[(close + 1)..].Trim();
        if (close < 2 || (tail.Length > 0 && tail[0] != '#' && !tail.StartsWith("//", StringComparison.Ordinal)))
        {
            throw Fault(_line, "an include is written include \"file.hocon\", alone on its line");
        }

        if (_open.Count > 0)
        {
            throw Fault(_line, "an include stands at the top of a file, not inside { }. Move it out");
        }

        EndPart();
        _parts.Add(new HoconPart("", rest[1..close], _line));
        _at = end;
        _partStart = end;
        _partLine = _line;
    }

    private void EndPart()
    {
        var text = _text[_partStart.._at];
        if (!string.IsNullOrWhiteSpace(text))
        {
            _parts.Add(new HoconPart(text, null, _partLine));
        }
    }

    private void Close(char c)
    {
        if (!_open.TryPop(out var open))
        {
            throw Fault(_line, $"'{c}' closes nothing. Remove it, or add the missing '{(c == '}' ? '{' : '[')}' before it");
        }

        if (Partner(open.Open) != c)
        {
            throw Fault(_line, $"'{c}' closes the '{open.Open}' of line {open.Line}. Write '{Partner(open.Open)}' there");
        }
    }

    private void SkipWord()
    {
        while (_at < _text.Length && _text[_at] is not ('\n' or ' ' or '\t' or '"' or '{' or '}' or '[' or ']' or '#') && !Ahead("//"))
        {
            // A substitution's braces belong to it.
            if (Ahead("${"))
            {
                var end = _text.IndexOf('}', _at);
                _at = end < 0 ? throw Fault(_line, "'${' is never closed. Add the missing '}'") : end;
            }

            _at++;
        }
    }

    private void SkipString()
    {
        var start = _line;
        if (Ahead("\"\"\""))
        {
            var end = _text.IndexOf("\"\"\"", _at + 3, StringComparison.Ordinal);
            if (end < 0)
            {
                throw Fault(start, "the text that begins with \"\"\" is never closed. Add the closing \"\"\"");
            }

            _line += _text.AsSpan(_at, end - _at).Count('\n');
            _at = end + 3;
            return;
        }

        for (_at++; _at < _text.Length && _text[_at] is not ('"' or '\n'); _at++)
        {
            if (_text[_at] == '\\')
            {
                _at++;
            }
        }

        if (_at >= _text.Length || _text[_at] == '\n')
        {
            throw Fault(start, "a quotation mark is never closed. Add the closing \" on the same line");
        }

        _at++;
    }

    private void SkipLine()
    {
        var end = _text.IndexOf('\n', _at);
        _at = end < 0 ? _text.Length : end;
    }

    private bool Ahead(string what) => string.CompareOrdinal(_text, _at, what, 0, what.Length) == 0;

    private static char Partner(char open) => open == '{' ? '}' : ']';

    private CoinException Fault(int line, string what) => new($"{_file}, line {line}: {what}.");
}
