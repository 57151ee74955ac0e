using System.Globalization;
using System.Text;
using CoIN.Benchmark.Reports.Results;
using CoIN.Benchmark.Steps;

namespace CoIN.Benchmark.Reports.Html;

/// <summary>
/// The loss of every stage over its optimizer steps, a small chart each: the mean of neighbouring steps as a line, all of them as a band.
/// </summary>
internal static class LossCurves
{
    private const double Width = 280;
    private const double Height = 168;
    private const double Left = 40;
    private const double Right = 12;
    private const double Top = 12;
    private const double Bottom = 36;

    /// <param name="validations">Losses of held-out samples: dots beside the line of their stage.</param>
    public static Markup Render(IReadOnlyList<TrainedStage> stages, IReadOnlyList<StageValidation> validations) =>
        Markup.Of(
            $"""
            <div class="legend"><span><svg class="key" viewBox="0 0 34 12"><path class="line" d="M2 6H32"/></svg>mean of neighbouring steps</span>
            <span><svg class="key" viewBox="0 0 34 12"><path class="band" d="M2 1H32V11H2Z"/></svg>lowest to highest of them</span>
            {(
                validations.Count == 0
                    ? Markup.Empty
                    : Markup.Of(
                        $"""<span><svg class="key" viewBox="0 0 34 12"><circle class="own-dot" cx="17" cy="6" r="3.5"/></svg>held-out samples</span>"""
                    )
            )}</div>
            <div class="grid">
            {Markup.Join(stages.Select(stage => Figure(stage, validations.FirstOrDefault(one => one.Stage == stage.Stage)?.Points ?? [])))}
            </div>
            """
        );

    private static Markup Figure(TrainedStage stage, IReadOnlyList<ValidationPoint> heldOut)
    {
        var course = stage.Course;
        var top = Nice(
            course
                .Points.Select(point => point.Most)
                .Concat(heldOut.Select(point => point.Loss))
                .Where(double.IsFinite)
                .DefaultIfEmpty(1)
                .Max()
        );
        var spoken =
            course.Points.Count == 0
                ? "no finite loss"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"loss from {course.Points[0].Mean:0.000} to {course.LastLoss:0.000} over {course.Steps} of {course.TotalSteps} steps"
                )
                    + (
                        heldOut.Count == 0
                            ? ""
                            : string.Create(
                                CultureInfo.InvariantCulture,
                                $"; of held-out samples {heldOut[^1].Loss:0.000} at step {heldOut[^1].Step}"
                            )
                    );
        return Markup.Of(
            $"""
            <figure><h4>{stage.Stage} {stage.Name}</h4>
            <svg viewBox="0 0 {Width} {Height}" role="img" aria-label="{stage.Name}: {spoken}">
            {Axes(course, top)}{Data(course, top)}{HeldOut(course, heldOut, top)}
            </svg></figure>
            """
        );
    }

    private static Markup Axes(StepCourse course, double top)
    {
        var text = new StringBuilder();
        foreach (var part in (double[])[0, 0.5, 1])
        {
            Add(text, $"<path class=\"rule\" d=\"M{Left:0.#} {Y(part * top, top):0.#}H{Width - Right:0.#}\"/>");
            Add(
                text,
                $"<text class=\"soft\" x=\"{Left - 5:0.#}\" y=\"{Y(part * top, top) + 4:0.#}\" text-anchor=\"end\">{part * top:0.###}</text>"
            );
        }

        foreach (var step in new[] { 1, course.TotalSteps }.Distinct())
        {
            Add(
                text,
                $"<text class=\"soft\" x=\"{X(step, course):0.#}\" y=\"{Height - Bottom + 16:0.#}\" text-anchor=\"{(step == 1 ? "start" : "end")}\">{step}</text>"
            );
        }

        Add(text, $"<path class=\"axis\" d=\"M{Left:0.#} {Y(0, top):0.#}H{Width - Right:0.#}\"/>");
        Add(
            text,
            $"<text class=\"soft\" x=\"{(Left + Width - Right) / 2:0.#}\" y=\"{Height - 5:0.#}\" text-anchor=\"middle\">step; loss in nats per token</text>"
        );
        return new Markup(text.ToString());
    }

    private static Markup Data(StepCourse course, double top)
    {
        var text = new StringBuilder();
        if (course.Points.Count > 1)
        {
            var upper = course.Points.Select(point => Place(point.Middle, point.Most, course, top));
            var lower = course.Points.Reverse().Select(point => Place(point.Middle, point.Least, course, top));
            Add(text, $"<path class=\"band\" d=\"M{string.Join("L", upper.Concat(lower))}Z\"/>");
            Add(
                text,
                $"<path class=\"line\" d=\"M{string.Join("L", course.Points.Select(point => Place(point.Middle, point.Mean, course, top)))}\"/>"
            );
        }
        else if (course.Points is [var only])
        {
            Add(text, $"<circle class=\"dot\" cx=\"{X(only.Middle, course):0.#}\" cy=\"{Y(only.Mean, top):0.#}\" r=\"3.5\"/>");
        }

        return new Markup(text.ToString());
    }

    private static Markup HeldOut(StepCourse course, IReadOnlyList<ValidationPoint> points, double top)
    {
        var text = new StringBuilder();
        foreach (var point in points.Where(point => double.IsFinite(point.Loss)))
        {
            Add(
                text,
                $"<circle class=\"own-dot\" cx=\"{X(point.Step, course):0.#}\" cy=\"{Y(point.Loss, top):0.#}\" r=\"3.5\"><title>held-out samples after step {point.Step}: {point.Loss:0.0000}</title></circle>"
            );
        }

        return new Markup(text.ToString());
    }

    /// <summary>The next of 1, 2, 4, 6, 10 times a power of ten: the middle of the axis has a short number too.</summary>
    private static double Nice(double value)
    {
        if (!(value > 0))
        {
            return 1;
        }

        var power = Math.Pow(10, Math.Floor(Math.Log10(value)));
        return new[] { 1.0, 2, 4, 6, 10 }.Select(step => step * power).First(step => step >= value * 0.999999);
    }

    private static void Add(StringBuilder text, FormattableString markup) => text.Append(Markup.Of(markup).Text).Append('\n');

    private static string Place(double step, double loss, StepCourse course, double top) =>
        FormattableString.Invariant($"{X(step, course):0.#} {Y(loss, top):0.#}");

    private static double X(double step, StepCourse course) =>
        Left + ((Width - Left - Right) * (course.TotalSteps > 1 ? (step - 1) / (course.TotalSteps - 1) : 0.5));

    private static double Y(double loss, double top) => Top + ((Height - Top - Bottom) * (1 - (Math.Min(loss, top) / top)));
}
