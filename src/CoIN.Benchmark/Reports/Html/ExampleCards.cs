using CoIN.Benchmark.Reports.Examples;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>Examples after the manner of the paper's figure 3: question, image, truth, answers and their scores.</summary>
internal static class ExampleCards
{
    /// <summary>A picture whose sides are shorter than this many pixels is shown with sharp pixels.</summary>
    private const int Tiny = 100;

    public static Markup Render(RunReport report, IReadOnlyList<Example> examples) =>
        Markup.Join(
            examples
                .GroupBy(example => example.Kind)
                .Select(kind =>
                    Markup.Of(
                        $"""
                        <h3>{Title(kind.Key, report)}</h3>
                        <p class="note">{Meaning(kind.Key)}</p>
                        <div class="examples">
                        {Markup.Join(kind.Select(example => Card(report, example)))}
                        </div>
                        """
                    )
                )
        );

    private static Markup Card(RunReport report, Example example)
    {
        var picture = example.Picture is { } image
            ? Markup.Of(
                $"<img{new Markup(Math.Max(image.Width, image.Height) < Tiny ? " class=\"tiny\"" : "")} alt=\"image of {example.Sample.QuestionId}\" width=\"{image.Width}\" height=\"{image.Height}\" src=\"data:{image.MediaType};base64,{Convert.ToBase64String(image.Bytes)}\">\n"
            )
            : Markup.Empty;
        return Markup.Of(
            $"""
            <article class="example{(example.Picture is null ? " bare" : "")}">
            {picture}<div><div class="task">{example.Task} · {example.Sample.QuestionId}</div>
            <div class="question">{example.Sample.Text}</div></div>
            <dl><dt>truth</dt><dd>{string.Join(" / ", example.Sample.Answers.Distinct())}</dd>
            {Markup.Join(example.Answers.Select(answer => Markup.Of($"<dt>{When(report, example, answer)}</dt><dd>{Answer(answer)}</dd>")))}
            </dl></article>
            """
        );
    }

    private static string When(RunReport report, Example example, ExampleAnswer answer) =>
        answer.Stage switch
        {
            0 => report.TestsGivenAdapter ? "given adapter" : "untrained",
            _ when report.Curriculum.IsJoint => "after training",
            var stage when stage == report.Curriculum.FirstOf(report.PlaceOf(example.Task)).Number => "just trained",
            var stage when stage == report.Curriculum.Trained[^1].Number => "at the end",
            var stage => FormattableString.Invariant($"after stage {stage}"),
        };

    private static Markup Answer(ExampleAnswer answer)
    {
        var scores = new List<string>();
        if (answer.Published is { } published)
        {
            scores.Add(
                FormattableString.Invariant($"Truth Alignment: published {published:0.##}")
                    + (answer.Corrected is { } corrected ? FormattableString.Invariant($", corrected {corrected:0.##}") : "")
            );
        }

        scores.AddRange(
            answer.Judged.Select(one =>
                $"{one.Judge}: {(one.Score is { } score ? FormattableString.Invariant($"{score:0.##} of 10") : "no score in its reply")}"
            )
        );
        var text = answer.Text.Length > 0 ? Markup.Of($"<q>{answer.Text}</q>") : new Markup("<i>(nothing)</i>");
        return Markup.Of(
            $"<span class=\"{(answer.IsRight ? "right" : "wrong")}\">{text}</span><span class=\"scores\">{string.Join("; ", scores)}</span>"
        );
    }

    private static string Title(ExampleKind kind, RunReport report)
    {
        var untrained = report.Curriculum.Trained.Count == 0;
        return kind switch
        {
            ExampleKind.Forgotten => "Learned, then forgotten",
            ExampleKind.WrongForm => "Right knowledge, wrong form",
            ExampleKind.Kept => untrained ? "Right"
            : report.Curriculum.IsJoint ? "Learned"
            : "Learned and kept",
            _ => untrained ? "Wrong" : "Not learned",
        };
    }

    private static string Meaning(ExampleKind kind) =>
        kind switch
        {
            ExampleKind.Forgotten => "Right just after the task's own stage, wrong at the end.",
            ExampleKind.WrongForm =>
                "Wrong by the published rule, but the corrected rule (0.5 or more) or a judge (7 of 10 or more) finds the truth in the answer; the last stage at which that is so.",
            ExampleKind.Kept => "Right by the published rule.",
            _ => "Wrong by every rule.",
        };
}
