using System.Globalization;
using System.Text;

namespace CoIN.Models.Tokenization;

/// <summary>A step from tokens to text; one may join tokens, so that each works on all.</summary>
internal delegate List<string> DecodingStep(List<string> tokens);

/// <summary>The decoding steps of a <c>tokenizer.json</c>.</summary>
internal static class TokenDecoder
{
    /// <summary>Puts a text in the place of another.</summary>
    public static DecodingStep Replace(string pattern, string content) =>
        tokens => [.. tokens.Select(token => token.Replace(pattern, content, StringComparison.Ordinal))];

    /// <summary>Bytes in a row become their text; where they are no UTF-8, each becomes U+FFFD.</summary>
    public static DecodingStep ByteFallback { get; } =
        tokens =>
        {
            var decoded = new List<string>();
            var bytes = new List<byte>();
            void Flush()
            {
                if (bytes.Count > 0)
                {
                    decoded.AddRange(Utf8([.. bytes]));
                    bytes.Clear();
                }
            }

            foreach (var token in tokens)
            {
                if (ByteOf(token) is { } value)
                {
                    bytes.Add(value);
                    continue;
                }

                Flush();
                decoded.Add(token);
            }

            Flush();
            return decoded;
        };

    /// <summary>All tokens become one.</summary>
    public static DecodingStep Fuse { get; } = tokens => [string.Concat(tokens)];

    /// <summary>Takes a character away from a token's beginning and end.</summary>
    /// <param name="start">How often at most at the beginning.</param>
    /// <param name="stop">How often at most at the end.</param>
    public static DecodingStep Strip(char letter, int start, int stop) =>
        tokens =>
            [
                .. tokens.Select(token =>
                {
                    int from = 0,
                        to = token.Length;
                    while (from < Math.Min(start, token.Length) && token[from] == letter)
                    {
                        from++;
                    }

                    while (token.Length - to < stop && to > from && token[to - 1] == letter)
                    {
                        to--;
                    }

                    return token[from..to];
                }),
            ];

    /// <summary>Spaces again, but for those that the encoding put in front of the first token.</summary>
    public static DecodingStep Metaspace(char replacement, bool prefixed) =>
        tokens =>
            [
                .. tokens.Select(
                    (token, i) =>
                        i == 0 && prefixed ? token.Replace($"{replacement}", "", StringComparison.Ordinal) : token.Replace(replacement, ' ')
                ),
            ];

    /// <summary>The byte that a token stands for, such as <c>&lt;0x0A&gt;</c>; null for other tokens.</summary>
    public static byte? ByteOf(string token) =>
        token.Length == 6
        && token.StartsWith("<0x", StringComparison.Ordinal)
        && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    private static IEnumerable<string> Utf8(byte[] bytes)
    {
        try
        {
            return [new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes)];
        }
        catch (DecoderFallbackException)
        {
            return Enumerable.Repeat("\uFFFD", bytes.Length);
        }
    }
}
