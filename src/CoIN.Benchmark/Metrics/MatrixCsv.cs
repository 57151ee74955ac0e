using System.Globalization;
using Microsoft.VisualBasic.FileIO;

namespace CoIN.Benchmark.Metrics;

/// <summary>
/// Reads a matrix from text in rows: numbers between commas, semicolons, tabs or spaces, with or without a line of task names above and a
/// column of names on the left. In a run's <c>matrix.csv</c> the columns <c>stage</c> and <c>after</c> stand on the left; its stage 0 is
/// the untrained model.
/// </summary>
internal static class MatrixCsv
{
    public static MatrixRows Read(string path, string text)
    {
        var lines = Lines(path, text);
        if (lines.Count == 0)
        {
            throw new CoinException($"{path} is empty. {MatrixRows.Remedy}");
        }

        var header =
            lines[0].Fields is ["stage", "after", ..]
            || lines[0].Fields.Any(field => field.Length > 0 && Number(field) is null)
                && lines.Skip(1).Any()
                && lines[0].Fields.Skip(1).All(field => Number(field) is null)
                ? lines[0].Fields
                : null;
        var body = header is null ? lines : lines[1..];
        var left =
            header is ["stage", "after", ..] ? 2
            : body.All(line => line.Fields[0].Length > 0 && Number(line.Fields[0]) is null) ? 1
            : 0;
        var tasks = header is null ? [] : Tasks(header, left, body);
        var rows = new List<IReadOnlyList<double?>>();
        IReadOnlyList<double?>? zeroShot = null;
        foreach (var (number, fields) in body)
        {
            var cells = Cells(path, number, fields, left, tasks.Length);
            if (left == 2 && fields[0] == "0")
            {
                zeroShot = cells;
            }
            else
            {
                rows.Add(cells);
            }
        }

        return new MatrixRows(tasks, rows, zeroShot);
    }

    /// <summary>The names stand above the numbers; the corner may be there or not.</summary>
    private static string[] Tasks(string[] header, int left, List<(long Number, string[] Fields)> body)
    {
        var widest = body.Count > 0 ? body.Max(line => line.Fields.Length) - left : header.Length - left;
        return header.Length > widest ? header[^widest..] : header;
    }

    private static double?[] Cells(string path, long line, string[] fields, int left, int tasks)
    {
        var cells = fields
            .Skip(left)
            .Select(field =>
                field.Length == 0
                    ? (double?)null
                    : Number(field) ?? throw new CoinException($"{path}, line {line}: \"{field}\" is no number. {MatrixRows.Remedy}")
            )
            .ToList();

        // Without names the empty cells at the end of a row say nothing; with them they are the tasks that come later.
        while (tasks == 0 && cells.Count > 0 && cells[^1] is null)
        {
            cells.RemoveAt(cells.Count - 1);
        }

        return [.. cells];
    }

    private static double? Number(string field) =>
        double.TryParse(field.TrimEnd('%').TrimEnd(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static List<(long Number, string[] Fields)> Lines(string path, string text)
    {
        var delimiter = new[] { '\t', ';', ',' }.Where(text.Contains).Select(mark => (char?)mark).FirstOrDefault();
        if (delimiter is null)
        {
            return
            [
                .. text.Split('\n')
                    .Select((line, index) => ((long)index + 1, line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))
                    .Where(line => line.Item2.Length > 0),
            ];
        }

        using var parser = new TextFieldParser(new StringReader(text)) { HasFieldsEnclosedInQuotes = true, TrimWhiteSpace = true };
        parser.SetDelimiters(delimiter.Value.ToString());
        var lines = new List<(long, string[])>();
        try
        {
            while (!parser.EndOfData)
            {
                var number = parser.LineNumber;
                if (parser.ReadFields() is { } fields && fields.Any(field => field.Length > 0))
                {
                    lines.Add((number, fields));
                }
            }
        }
        catch (MalformedLineException e)
        {
            throw new CoinException($"{path}, line {e.LineNumber}: the quotation marks do not match. {MatrixRows.Remedy}", e);
        }

        return lines;
    }
}
