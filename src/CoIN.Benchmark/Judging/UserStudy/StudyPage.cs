using Newtonsoft.Json;

namespace CoIN.Benchmark.Judging.UserStudy;

/// <summary>The page on which people score a study: one file that needs no network and works from a disk.</summary>
public static class StudyPage
{
    private const string Mark = "/*STUDY*/null";

    /// <param name="image">The image of a path as a data URI.</param>
    public static string Render(Study study, Func<string, string> image)
    {
        var data = JsonConvert.SerializeObject(
            new
            {
                study = study.Id,
                items = study.Items.Select(item => new
                {
                    code = item.Code,
                    image = item.Image is { } path ? image(path) : null,
                    question = item.Question,
                    truth = item.Truth,
                    answer = item.Answer,
                    box = item.IsBox,
                }),
            }
        );

        // "</script" in an answer must not end the script.
        return Template().Replace(Mark, data.Replace("<", "\\u003c", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private static string Template()
    {
        using var stream = typeof(StudyPage).Assembly.GetManifestResourceStream("CoIN.Benchmark.study.html")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
