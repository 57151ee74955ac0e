using System.Text;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Cli.Hosting;

namespace CoIN.Cli.Views;

/// <summary>A sample as the model gets it, as text: in colours where there are any, with marks where there are none.</summary>
internal static class PreviewText
{
    private const string Reset = "\u001b[0m";
    private const string Green = "\u001b[32m";
    private const string Cyan = "\u001b[36m";
    private const string Struck = "\u001b[9;90m";
    private const string Indent = "            ";

    /// <summary>The lines of a sample.</summary>
    /// <param name="picture">What to say of its image.</param>
    /// <param name="answer">The reference answers of a test sample; null for a training sample.</param>
    /// <param name="maxLength">The configured length limit.</param>
    public static IEnumerable<string> Lines(SampleView view, string picture, string? answer, Terminal terminal, int maxLength)
    {
        yield return $"  image     {picture}";
        yield return $"  prompt    {view.Prompt.Replace("\n", "\n" + Indent, StringComparison.Ordinal)}";
        yield return $"  length    {Length(view, answer is not null, maxLength)}";
        yield return $"  {(answer is null ? $"learned   {Learned(view)}" : $"answer    {answer}")}";
        var first = true;
        foreach (var line in Tokens(view, terminal))
        {
            yield return (first ? "  ids       " : Indent) + line;
            first = false;
        }
    }

    /// <summary>The reference answers of a test sample and how they are compared.</summary>
    public static string Answers(TestSample sample, TaskOptions task)
    {
        var given = sample
            .Answers.GroupBy(one => one, StringComparer.Ordinal)
            .Select(group => Words.Text($"\"{group.Key}\" × {group.Count()}"));
        var all = sample.Answers.Count > 1 ? string.Join(", ", given) : $"\"{sample.Answer}\"";
        return $"{all}; at most {Plural.Of(task.MaxNewTokens, "token")} {(task.MaxNewTokens == 1 ? "is" : "are")} generated, compared by {task.Scorer}";
    }

    /// <summary>What the marks of the ids mean.</summary>
    public static IEnumerable<string> Legend(bool colour) =>
        colour
            ? [$"ids: {Green}learned{Reset}, {Cyan}image{Reset}, {Struck}cut{Reset}; everything else is masked, read but not learned."]
            : ["ids: [learned], <image> × its tokens, ~cut~; everything else is masked, read but not learned."];

    private static string Length(SampleView view, bool isTest, int maxLength)
    {
        var images = view.ImageTokens;
        var cut =
            view.Length <= view.Limit
                ? "nothing is cut"
                : Words.Text($"{view.Length - view.Limit} cut {(isTest ? "in front of the question's end" : "at the end")}");
        var limit = isTest && view.Limit < maxLength ? $"{view.Limit}, which leaves room for the answer" : $"{view.Limit}";
        var parts = view.Images switch
        {
            0 => "of text",
            1 => Words.Text($"= {view.Length - images} of text + {images} of an image"),
            _ => Words.Text($"= {view.Length - images} of text + {images} of {view.Images} images"),
        };
        return Words.Text($"{Plural.Of(view.Length, "token")} {parts}; the limit is {limit}; {cut}");
    }

    private static string Learned(SampleView view)
    {
        if (view.Learned == 0)
        {
            return "nothing: this sample is left out of training";
        }

        var runs = new List<StringBuilder>();
        var open = false;
        foreach (var token in view.Tokens)
        {
            if (token is not { IsLearned: true, IsCut: false })
            {
                open = false;
                continue;
            }

            if (!open)
            {
                runs.Add(new StringBuilder());
                open = true;
            }

            runs[^1].Append(token.Piece == "<0x0A>" ? "⏎" : token.Piece.Replace('\u2581', ' '));
        }

        return Words.Text($"{view.Learned} token{(view.Learned == 1 ? "" : "s")}: {string.Join(", ", runs.Select(run => $"\"{run}\""))}");
    }

    /// <summary>Ids with their pieces, as many as fit on a line.</summary>
    private static IEnumerable<string> Tokens(SampleView view, Terminal terminal)
    {
        var line = new StringBuilder();
        var length = 0;
        foreach (var token in view.Tokens)
        {
            var plain = token.IsImage ? Words.Text($"<image> × {token.Positions}") : Words.Text($"{token.Id} {token.Piece}");
            var text = Marked(plain, token, terminal.Colour);
            var width = plain.Length + (terminal.Colour || !(token.IsCut || token.IsLearned) ? 0 : 2);
            if (length > 0 && length + 2 + width > terminal.Width - Indent.Length - 1)
            {
                yield return line.ToString();
                line.Clear();
                length = 0;
            }

            line.Append(length > 0 ? "  " : "").Append(text);
            length += (length > 0 ? 2 : 0) + width;
        }

        yield return line.ToString();
    }

    private static string Marked(string plain, TokenView token, bool colour) =>
        (token, colour) switch
        {
            ({ IsCut: true }, true) => Struck + plain + Reset,
            ({ IsCut: true }, false) => $"~{plain}~",
            ({ IsLearned: true }, true) => Green + plain + Reset,
            ({ IsLearned: true }, false) => $"[{plain}]",
            ({ IsImage: true }, true) => Cyan + plain + Reset,
            _ => plain,
        };
}
