using CoIN.Benchmark.Checking;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using CoIN.Benchmark.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Tests.Checking;

public sealed class DataCheckTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly FakeInspector images = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Sound_data_have_no_findings()
    {
        Files([Train(1, "a.png"), Train(2, null, "How?", "so")], [Test(1, "b.png"), Test(2, null, "Where?")]);

        var (summary, findings) = Check();

        Assert.Empty(findings);
        Assert.Equal(
            new TaskSummary("GQA", "train.json", 2, "test.json", 2, TextOnly: 2, Images: 2, Errors: 0, Warnings: 0),
            Assert.Single(summary.Tasks)
        );
    }

    [Fact]
    public void A_missing_file_is_told_with_those_that_are_there_and_the_other_file_is_checked()
    {
        Files([Train(1, null, "a", ""), Train(2)], [Test(1)]);
        File.Move(folder.File("GQA/test.json"), folder.File("GQA/val.json"));

        var (summary, findings) = Check();

        Assert.Equal([FindingKind.EmptyAnswer, FindingKind.MissingFile], findings.Select(finding => finding.Kind));
        Assert.Contains("train.json and val.json", findings[1].Message, StringComparison.Ordinal);
        Assert.Null(summary.Tasks[0].TestSamples);
    }

    [Fact]
    public void What_stands_before_the_break_of_a_file_is_checked()
    {
        Files([Train(1), Train(2, null, "a", " "), Train(3, "a.png")], [Test(1)]);
        var text = File.ReadAllText(folder.File("GQA/train.json"));
        File.WriteAllText(folder.File("GQA/train.json"), text[..^20]);

        var findings = Check().Findings;

        Assert.Equal([FindingKind.EmptyAnswer, FindingKind.BrokenFile], findings.Select(finding => finding.Kind));
    }

    [Fact]
    public void Faulty_samples_are_told_one_by_one_with_line_and_id()
    {
        Files(
            [Train(1), """{"id": 2, "conversations": 5}""", Train(3, null, "a", ""), """{"conversations": []}"""],
            [Test(1), """{"question_id": 9, "text": "x", "answer": ""}"""]
        );

        var findings = Check().Findings;

        Assert.Equal(
            [("malformed-sample", 2, "2"), ("empty-answer", 3, "3"), ("malformed-sample", 4, "number 4"), ("empty-answer", 2, "9")],
            findings.Select(finding => (finding.Kind.Name, finding.Line!.Value, finding.Sample!))
        );
    }

    [Fact]
    public void The_same_id_twice_is_an_error_in_the_test_file_and_a_warning_in_the_training_file()
    {
        Files([Train(1), Train(1, null, "other")], [Test(5), Test(5, null, "another?")]);

        Assert.Equal([FindingKind.RepeatedId, FindingKind.DuplicateId], Check().Findings.Select(finding => finding.Kind));
    }

    [Theory]
    [InlineData(true, "<image>\\nq", "a", "q", null)]
    [InlineData(false, "<image>\\nq", "a", "q", "tag-without-image")]
    [InlineData(true, "q", "a", "q", "image-without-tag")]
    [InlineData(true, "<image>\\nq", "a", "<image>q", "several-tags")]
    [InlineData(true, "q <image> <image>", "a", "q", null)]
    [InlineData(true, "<image>\\nq", "a <image>", "q", "several-tags")]
    public void Tags_and_images_must_go_together(bool hasImage, string first, string answer, string second, string? kind)
    {
        var image = hasImage ? "\"image\": \"a.png\", " : "";
        Files(
            [
                $$"""{"id": 1, {{image}}"conversations": [{"from": "human", "value": "{{first}}"}, {"from": "gpt", "value": "{{answer}}"}, {"from": "human", "value": "{{second}}"}, {"from": "gpt", "value": "b"}]}""",
            ],
            [Test(1)]
        );

        Assert.Equal(kind is null ? [] : [kind], Check().Findings.Select(finding => finding.Kind.Name));
    }

    [Theory]
    [InlineData("<image>\\n<image>\\nq", null)]
    [InlineData("<image>\\nq", "image-without-tag")]
    [InlineData("<image><image><image>q", "tag-without-image")]
    public void Several_images_have_a_tag_each_and_all_are_looked_at(string question, string? kind)
    {
        Files(
            [
                $$"""{"id": 1, "image": ["a.png", "b.png"], "conversations": [{"from": "human", "value": "{{question}}"}, {"from": "gpt", "value": "a"}]}""",
            ],
            [Test(1)]
        );

        Assert.Equal(kind is null ? [] : [kind], Check().Findings.Select(finding => finding.Kind.Name));
        Assert.Contains(images.Inspected, path => path.EndsWith("b.png", StringComparison.Ordinal));
    }

    [Fact]
    public void A_sample_that_the_model_cannot_take_is_a_finding_and_the_others_are_checked()
    {
        Files([Train(1, null, "refused"), Train(2, null, "a", "")], [Test(1, null, "refused too")]);

        var findings = Check(renderer: new FakeRenderer(limit: 10)).Findings;

        Assert.Equal(
            [("unusable-sample", "1"), ("empty-answer", "2"), ("unusable-sample", "1")],
            findings.Select(finding => (finding.Kind.Name, finding.Sample))
        );
        Assert.Equal("the model takes no such text", findings[0].Message);
    }

    [Fact]
    public void A_tag_in_the_text_of_a_test_question_without_image_is_found()
    {
        Files([Train(1)], [Test(1, null, "<image>\\nWhere?")]);

        Assert.Equal(FindingKind.TagWithoutImage, Assert.Single(Check().Findings).Kind);
    }

    [Theory]
    [InlineData(ImageState.Missing, ImageTraits.None, "PNG", "missing-image")]
    [InlineData(ImageState.Truncated, ImageTraits.None, "PNG", "truncated-image")]
    [InlineData(ImageState.Corrupt, ImageTraits.None, null, "corrupt-image")]
    [InlineData(ImageState.Whole, ImageTraits.Animated, "PNG", "animated-image")]
    [InlineData(ImageState.Whole, ImageTraits.Cmyk, "PNG", "cmyk-image")]
    [InlineData(ImageState.Whole, ImageTraits.Deep, "PNG", "deep-image")]
    [InlineData(ImageState.Whole, ImageTraits.None, "JPEG", "wrong-extension")]
    public void An_image_is_inspected_once_and_told_with_its_first_sample(ImageState state, ImageTraits traits, string? format, string kind)
    {
        images.Facts["a.png"] = new ImageFacts(state, "is bad", format, traits, 8, 8, 7);
        Files([Train(1, "a.png"), Train(2, "./a.png", "<image>other?")], [Test(1)]);

        var finding = Assert.Single(Check().Findings);

        Assert.Equal((kind, "1", "a.png"), (finding.Kind.Name, finding.Sample, finding.Image));
        Assert.EndsWith("(2 samples use it)", finding.Message, StringComparison.Ordinal);
        Assert.Equal(1, images.Inspected.Count(path => path.EndsWith("a.png", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_missing_image_names_its_sibling_with_another_extension()
    {
        images.Facts["a.png"] = ImageFacts.Missing;
        folder.Write("a.gif", "x");
        Files([Train(1, "a.png")], [Test(1)]);

        Assert.Contains("but a.gif does", Assert.Single(Check().Findings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Test_images_that_are_in_training_are_found_by_path_and_by_content()
    {
        images.Facts["copy.png"] = images.Of("b.png") with { };
        Files([Train(1, "a.png"), Train(2, "b.png")], [Test(1, "a.png", "Why?"), Test(2, "copy.png", "Whence?"), Test(3, "c.png")]);

        Assert.Equal(
            [("leaked-image", "1"), ("leaked-content", "2")],
            Check().Findings.Select(finding => (finding.Kind.Name, finding.Sample!))
        );
    }

    [Fact]
    public void A_question_leaks_with_its_image_or_without_any_whatever_its_instruction()
    {
        Files(
            [
                Train(1, "a.png", "<image>\\nWhich colour?\\nOne word."),
                Train(2, null, "2 + 2?\\nA. 3\\nB. 4"),
                Train(3, "b.png", "<image>\\nWhere?\\nOne word."),
            ],
            [
                Test(1, "a.png", "Which  Colour?\\nBriefly."),
                Test(2, null, "2 + 2?\\nA. 3\\nB. 5"),
                Test(3, null, "2 + 2?\\nA. 3\\nB. 4"),
                Test(4, "c.png", "Where?\\nOne word."),
            ]
        );

        Assert.Equal(
            [("leaked-image", "1"), ("leaked-question", "1"), ("leaked-question", "3")],
            Check().Findings.Select(finding => (finding.Kind.Name, finding.Sample!))
        );
    }

    [Fact]
    public void Prompts_beyond_the_limit_and_samples_that_teach_nothing_are_found()
    {
        var renderer = new FakeRenderer(limit: 10);
        Files(
            [Train(1, null, "12345678", "a"), Train(2, null, "12345678", "abc"), Train(3, null, "1234567890", "a")],
            [Test(1, null, "12345678901")]
        );

        var findings = Check(renderer: renderer).Findings;

        Assert.Equal(
            [("prompt-too-long", "2"), ("prompt-too-long", "3"), ("nothing-to-learn", "3"), ("prompt-too-long", "1")],
            findings.Select(finding => (finding.Kind.Name, finding.Sample!))
        );
        Assert.Contains("has 11 tokens (0 of an image), 1 beyond the limit of 10", findings[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_training_file_that_teaches_nothing_at_all_is_an_error()
    {
        Files([Train(1, null, "1234567890", "a")], [Test(1, null, "12")]);

        var (summary, findings) = Check(renderer: new FakeRenderer(limit: 10));

        Assert.Equal(FindingKind.NothingLearnable, findings[^1].Kind);
        Assert.Equal(1, summary.Errors);
    }

    [Fact]
    public void Answers_that_the_scorer_cannot_read_or_never_calls_right_are_found()
    {
        Files(
            [Train(1, null, "q", "the ring"), Train(2, null, "q2", "B")],
            [Test(1, null, "x\\nA. a\\nB. b", "B"), Test(2, null, "y\\nA. a\\nB. b", "D"), Test(3, null, "z", "ring")]
        );

        Assert.Equal(
            [("odd-answer", "1"), ("truth-scores-zero", "2"), ("unscorable-answer", "3")],
            Check("scienceqa").Findings.Select(finding => (finding.Kind.Name, finding.Sample!))
        );
    }

    [Fact]
    public void Training_answers_suit_a_scorer_that_wants_ten_in_the_test_file()
    {
        Files(
            [Train(1, null, "q", "pie")],
            [Test(1, null, "x", "[\"a\", \"a\", \"a\", \"a\", \"a\", \"a\", \"a\", \"a\", \"a\", \"a\"]", quote: false)]
        );

        Assert.Empty(Check("textvqa").Findings);
    }

    [Theory]
    [InlineData("[0.10, 0.20, 0.30, 0.40]", null)]
    [InlineData("[0.3, 0.2, 0.1, 0.4]", "bad-box")]
    [InlineData("[0.1, 0.2, 0.3]", "bad-box")]
    [InlineData("here", "bad-box")]
    [InlineData("[0.10, 0.20, 0.30, 1.40]", "box-out-of-range")]
    public void Boxes_are_four_numbers_between_0_and_1_around_an_area(string box, string? kind)
    {
        Files([Train(1, null, "q", box)], [Test(1, null, "x", box)]);

        Assert.Equal(kind is null ? [] : [kind, kind], Check("grounding").Findings.Select(finding => finding.Kind.Name));
    }

    [Theory]
    [InlineData("grounding", true)]
    [InlineData("grounding-minigpt", true)]
    [InlineData("box", true)]
    [InlineData("gqa", false)]
    public void The_scorer_says_whether_answers_are_boxes(string scorer, bool boxes) =>
        Assert.Equal(boxes, BoxRules.ApplyTo(Options(scorer).Tasks[0]));

    [Theory]
    [InlineData("[0.00, 0.25, 0.50, 0.75]", null)]
    [InlineData("[0.00, 0.00, 0.50, 1.00]", "boxes-disagree")]
    public void The_padded_and_the_unpadded_box_must_be_the_same_place(string padded, string? kind)
    {
        images.Facts["w.png"] = new ImageFacts(ImageState.Whole, null, "PNG", ImageTraits.None, 200, 100, 1);
        Files(
            [Train(1, null, "q", "[0.1, 0.1, 0.2, 0.2]")],
            [
                $$"""{"question_id": 1, "image": "w.png", "text": "t", "answer_bbox": "{{padded}}", "origin_answer_bbox": "[0.0, 0.0, 0.5, 1.0]", "size": [200, 100]}""",
            ]
        );

        Assert.Equal(kind is null ? [] : [kind], Check("grounding").Findings.Select(finding => finding.Kind.Name));
    }

    [Fact]
    public void A_size_that_is_not_the_images_is_found()
    {
        Files([Train(1)], ["""{"question_id": 1, "image": "w.png", "text": "t", "answer": "a", "size": [200, 100]}"""]);

        Assert.Contains(
            "8 × 8 pixels, but the sample's size is 200 × 100",
            Assert.Single(Check().Findings).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Zero_shot_runs_need_no_training_file()
    {
        Files([Train(1)], [Test(1)]);
        File.Delete(folder.File("GQA/train.json"));

        var (summary, findings) = Check(method: ZeroShot.Name);

        Assert.Empty(findings);
        Assert.Null(summary.Tasks[0].TrainingSamples);
    }

    [Fact]
    public void The_order_of_findings_does_not_depend_on_the_cores_and_all_of_them_are_in_the_file()
    {
        images.Default = ImageFacts.Missing;
        Files(Enumerable.Range(0, 3000).Select(i => Train(i, $"{i}.png", "no tag", i % 7 == 0 ? "" : "a")), [Test(1)]);
        var path = folder.File("out/check.jsonl");

        var one = Check(cores: 1).Findings;
        var summary = new DataCheck(Options("gqa"), images, null, 4).Run(path, _ => { }, CancellationToken.None);
        var lines = File.ReadAllLines(path).Select(JObject.Parse).ToList();

        Assert.Equal(
            one.Select(finding => (finding.Kind.Name, finding.Sample, finding.Message)),
            lines.Select(line => ((string)line["kind"]!, (string?)line["sample"], (string)line["message"]!))
        );
        Assert.Equal(one.Count, summary.Errors + summary.Warnings);
        Assert.Equal(3, summary.Kinds.Single(kind => kind.Kind == FindingKind.MissingImage).Examples.Count);
        Assert.Equal(["severity", "kind", "task", "file", "line", "sample", "message"], lines[0].Properties().Select(field => field.Name));
    }

    [Fact]
    public void A_check_that_is_stopped_keeps_what_was_found()
    {
        Files([Train(1, null, "a", ""), Train(2)], [Test(1)]);
        using var stop = new CancellationTokenSource();
        var findings = new List<Finding>();

        var summary = new DataCheck(Options("gqa"), images, null, 1).Run(findings.Add, _ => stop.Cancel(), stop.Token);

        Assert.True(summary.Stopped);
        Assert.Equal(1, summary.Errors);
        Assert.Single(findings);
    }

    [Fact]
    public void The_papers_counts_are_known_for_its_eight_tasks_only()
    {
        Assert.Equal(new PublishedCounts(165, 100, 166_043, 20_797), PublishedCounts.Of("OCR-VQA"));
        Assert.Null(PublishedCounts.Of("MyTask"));
    }

    [Fact]
    public void The_reason_for_which_a_run_would_end_is_told()
    {
        Files([Train(1)], [Test(1, answer: "cat")]);

        var finding = Assert.Single(Check("textvqa").Findings);

        Assert.Equal(FindingKind.UnscorableAnswer, finding.Kind);
        Assert.Contains(
            "Question 1 has 1 reference answer where the scorer textvqa needs 10. Put the ten human answers",
            finding.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("or choose the scorer vqav2", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_without_its_end_mark_is_a_warning()
    {
        Files([Train(1)], [Test(1, "a.jpg")]);
        images.Facts["a.jpg"] = images.Of("a.jpg") with
        {
            Format = "JPEG",
            Traits = ImageTraits.Unended,
            Trouble = "lacks the JPEG end mark",
        };

        var finding = Assert.Single(Check().Findings);

        Assert.Equal(
            (FindingKind.UnendedImage, Severity.Warning, "a.jpg lacks the JPEG end mark"),
            (finding.Kind, finding.Kind.Severity, finding.Message)
        );
    }

    private static string Train(int id, string? image = null, string? question = null, string answer = "a") =>
        $$"""{"id": {{id}}, {{(image is null ? "" : $"\"image\": \"{image}\", ")}}"conversations": [{"from": "human", "value": "{{question ?? (image is null ? "What?" : "<image>\\nWhat?")}}"}, {"from": "gpt", "value": "{{answer}}"}]}""";

    [Fact]
    public void Captions_are_scored_among_those_of_the_whole_test_set()
    {
        // "a photo" is a caption of every picture: nothing in it tells one from another.
        Files(
            [Train(1)],
            [
                Test(1, text: "Describe.", answer: "a photo of a red bird"),
                Test(2, text: "Describe it.", answer: "a photo"),
                Test(3, text: "Describe that.", answer: "a photo of a car"),
            ]
        );

        var finding = Assert.Single(Check("cider").Findings);
        Assert.Equal((FindingKind.TruthScoresZero, 2, "2"), (finding.Kind, finding.Line!.Value, finding.Sample!));
        Assert.Contains("\"a photo\"", finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_single_caption_cannot_be_scored_and_one_that_is_none_of_its_references_is_told()
    {
        Files([Train(1)], [Test(1, text: "Describe.", answer: "a red bird")]);
        var finding = Assert.Single(Check("cider").Findings);
        Assert.Equal((FindingKind.UnscorableAnswer, (int?)null), (finding.Kind, finding.Line));
        Assert.Contains("of a single sample the score is always 0", finding.Message, StringComparison.Ordinal);

        Files([Train(1)], [Test(1, "a.png", "Describe.", "a red bird"), Test(2, "b.png", "Describe.", "two cars")]);
        folder.Write(
            "GQA/coco.json",
            """
            {"images": [{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}],
             "annotations": [{"image_id": 1, "caption": "a small red bird"}, {"image_id": 2, "caption": "an empty street"}]}
            """
        );
        finding = Assert.Single(Check("cider", references: "coco.json").Findings);
        Assert.Equal((FindingKind.TruthScoresZero, "2"), (finding.Kind, finding.Sample!));
    }

    private static string Test(int id, string? image = null, string text = "Who?", string answer = "a", bool quote = true) =>
        $$"""{"question_id": {{id}}, {{(image is null ? "" : $"\"image\": \"{image}\", ")}}"text": "{{text}}", "answer": {{(quote ? $"\"{answer}\"" : answer)}}}""";

    private void Files(IEnumerable<string> train, IEnumerable<string> test)
    {
        folder.Write("GQA/train.json", "[" + string.Join(",\n", train) + "]");
        folder.Write("GQA/test.json", "[" + string.Join(",\n", test) + "]");
    }

    private (CheckSummary Summary, List<Finding> Findings) Check(
        string scorer = "gqa",
        ISampleRenderer? renderer = null,
        string method = SequentialLora.Name,
        int cores = 2,
        string? references = null
    )
    {
        var findings = new List<Finding>();
        var options = Options(scorer) with { Method = method };
        options = options with { Tasks = [options.Tasks[0] with { ReferencesFile = references }] };
        var summary = new DataCheck(options, images, renderer, cores).Run(findings.Add, _ => { }, CancellationToken.None);
        return (summary, findings);
    }

    private ExperimentOptions Options(string scorer) =>
        new()
        {
            Name = "test",
            Tasks =
            [
                new TaskOptions
                {
                    Name = "GQA",
                    Folder = "GQA",
                    Scorer = scorer,
                },
            ],
            Data = new DataOptions { Instructions = folder.Path, Images = folder.Path },
            Model = new ModelOptions { Path = "" },
        };

    /// <summary>Images are whole PNGs of 8 × 8 pixels and all different, unless said otherwise.</summary>
    private sealed class FakeInspector : IImageInspector
    {
        public Dictionary<string, ImageFacts> Facts { get; } = [];

        public ImageFacts? Default { get; set; }

        public System.Collections.Concurrent.ConcurrentBag<string> Inspected { get; } = [];

        public ImageFacts Of(string name) => new(ImageState.Whole, null, "PNG", ImageTraits.None, 8, 8, Fingerprint.Of(name));

        public ImageFacts Inspect(string path)
        {
            Inspected.Add(path);
            var name = Path.GetFileName(path);
            return Facts.GetValueOrDefault(name) ?? Default ?? Of(name);
        }

        public IReadOnlyList<string> Extensions(string format) => format == "PNG" ? [".png"] : [".jpg"];
    }

    /// <summary>A token for every character, the answer's are learned; the end is cut.</summary>
    private sealed class FakeRenderer(int limit) : ISampleRenderer
    {
        public SampleView Render(TrainingSample sample) => View(sample.Conversations[0].Value, sample.Conversations[1].Value);

        public SampleView Render(TestSample sample) => View(sample.Text, "");

        public PictureView SavePicture(string image, string path) => throw new NotSupportedException();

        private SampleView View(string question, string answer) =>
            question.StartsWith("refused", StringComparison.Ordinal)
                ? throw new CoinException("the model takes no such text")
                : new(
                    question + answer,
                    [.. (question + answer).Select((c, i) => new TokenView(c, $"{c}", false, i >= question.Length, i >= limit))],
                    limit
                );
    }
}
