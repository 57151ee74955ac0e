using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>How much a finding matters.</summary>
public enum Severity
{
    /// <summary>The run goes on, but its numbers may mean something else than they seem to.</summary>
    Warning,

    /// <summary>The run would stop, or a sample would not be what it says.</summary>
    Error,
}

/// <summary>A kind of thing that can be wrong with data.</summary>
/// <param name="Name">For machines, e.g. <c>missing-image</c>.</param>
/// <param name="Title">For people, as a heading.</param>
/// <param name="Remedy">What to do about it: one sentence.</param>
public sealed record FindingKind(string Name, Severity Severity, string Title, string Remedy)
{
    public static FindingKind MissingFile { get; } =
        Error("missing-file", "samples files that are missing", "Put them there, or correct the task's folder, train-file or test-file.");

    public static FindingKind BrokenFile { get; } =
        Error("broken-file", "samples files that cannot be read to their end", "Copy them again from their source.");

    public static FindingKind MalformedSample { get; } =
        Error(
            "malformed-sample",
            "samples with a field missing or of the wrong type",
            "Mend or remove them: reading the file stops at the first one."
        );

    public static FindingKind EmptyAnswer { get; } =
        Error("empty-answer", "samples without an answer", "Add the answer or remove the sample: reading the file stops at the first one.");

    public static FindingKind DuplicateId { get; } =
        Error("duplicate-id", "test questions with an id that an earlier one has", "Give each its own id: answers are joined by it.");

    public static FindingKind RepeatedId { get; } =
        Warning(
            "repeated-id",
            "training samples with an id that an earlier one has",
            "Remove them if they are copies; learning does not use the ids."
        );

    public static FindingKind TagWithoutImage { get; } =
        Error("tag-without-image", "samples with an image tag and no image", "Name their image, or take the tag out.");

    public static FindingKind ImageWithoutTag { get; } =
        Error(
            "image-without-tag",
            "training samples with an image that no tag asks for",
            "Put <image> into the first question; without it the image is never shown."
        );

    public static FindingKind SeveralTags { get; } =
        Error(
            "several-tags",
            "training samples with image tags in several turns and one image",
            "Keep the tag of the first question only."
        );

    public static FindingKind Unusable { get; } =
        Error("unusable-sample", "samples that the model cannot take", "Leave them out, mend them, or choose a model that takes them.");

    public static FindingKind MissingImage { get; } =
        Error("missing-image", "images that are missing", "Put them there, or correct data.images or the samples' paths.");

    public static FindingKind TruncatedImage { get; } =
        Error("truncated-image", "images that are cut off", "Copy them again from their source.");

    public static FindingKind CorruptImage { get; } =
        Error("corrupt-image", "images that cannot be decoded", "Copy them again from their source, or remove their samples.");

    public static FindingKind BadBox { get; } =
        Error("bad-box", "boxes that are not four numbers around an area", "Write [x1, y1, x2, y2] with x1 < x2 and y1 < y2.");

    public static FindingKind UnscorableAnswer { get; } =
        Error("unscorable-answer", "test answers that the task's scorer cannot read", "Correct the answers or the task's scorer.");

    public static FindingKind NothingLearnable { get; } =
        Error(
            "nothing-learnable",
            "training files without a single answer to learn",
            "Raise model.max-length, or look at the samples with coin data preview."
        );

    public static FindingKind UnendedImage { get; } =
        Warning(
            "unended-image",
            "JPEG images without the mark at their end",
            "They are used, as all of their pixels are there; copy them again to be sure."
        );

    public static FindingKind AnimatedImage { get; } =
        Warning("animated-image", "animated images", "Only their first frame is seen; keep that frame alone to be sure.");

    public static FindingKind CmykImage { get; } =
        Warning("cmyk-image", "images in printing colours (CMYK)", "Decoders turn them into different colours; convert them to RGB.");

    public static FindingKind DeepImage { get; } =
        Warning(
            "deep-image",
            "images with more than eight bits a channel",
            "Decoders shorten them in different ways; convert them to eight bits."
        );

    public static FindingKind WrongExtension { get; } =
        Warning(
            "wrong-extension",
            "images whose name tells another format than their bytes",
            "They are decoded by their bytes; other tools may go by the name."
        );

    public static FindingKind BoxOutOfRange { get; } =
        Warning("box-out-of-range", "boxes with coordinates outside 0 to 1", "Divide pixels by the side of the padded square.");

    public static FindingKind BoxesDisagree { get; } =
        Warning(
            "boxes-disagree",
            "samples whose padded and unpadded boxes are different places",
            "Compute answer_bbox from origin_answer_bbox and size."
        );

    public static FindingKind WrongSize { get; } =
        Warning("wrong-size", "samples whose size is not that of their image", "Correct size, or put the original image there.");

    public static FindingKind OddAnswer { get; } =
        Warning(
            "odd-answer",
            "training answers in a form that the task's scorer cannot read",
            "The model would learn that form; correct the answers or the task's scorer."
        );

    public static FindingKind TruthScoresZero { get; } =
        Warning(
            "truth-scores-zero",
            "test samples whose own answer scores 0",
            "No prediction can be right there; correct the answers or the task's scorer."
        );

    public static FindingKind PromptTooLong { get; } =
        Warning(
            "prompt-too-long",
            "prompts beyond the length limit",
            "They are cut; raise model.max-length if the model allows it, or shorten the samples."
        );

    public static FindingKind NothingToLearn { get; } =
        Warning(
            "nothing-to-learn",
            "training samples whose answer is masked or cut as a whole",
            "They are left out of training; coin data preview shows why."
        );

    public static FindingKind LeakedImage { get; } =
        Warning(
            "leaked-image",
            "test images that are in training too, by path",
            "The test may measure memory; remove them from one of the two files."
        );

    public static FindingKind LeakedContent { get; } =
        Warning(
            "leaked-content",
            "test images that are in training under another name",
            "The test may measure memory; remove them from one of the two files."
        );

    public static FindingKind LeakedQuestion { get; } =
        Warning(
            "leaked-question",
            "test questions that are in training too, about the same image or without one",
            "The test measures memory; remove them from one of the two files."
        );

    /// <summary>All kinds, in the order in which a summary tells them.</summary>
    public static IReadOnlyList<FindingKind> All { get; } =
    [
        MissingFile,
        BrokenFile,
        MalformedSample,
        EmptyAnswer,
        DuplicateId,
        MissingImage,
        TruncatedImage,
        CorruptImage,
        TagWithoutImage,
        ImageWithoutTag,
        SeveralTags,
        Unusable,
        BadBox,
        UnscorableAnswer,
        NothingLearnable,
        PromptTooLong,
        NothingToLearn,
        LeakedQuestion,
        LeakedImage,
        LeakedContent,
        TruthScoresZero,
        OddAnswer,
        UnendedImage,
        AnimatedImage,
        CmykImage,
        DeepImage,
        WrongExtension,
        WrongSize,
        BoxOutOfRange,
        BoxesDisagree,
        RepeatedId,
    ];

    private static FindingKind Error(string name, string title, string remedy) => new(name, Severity.Error, title, remedy);

    private static FindingKind Warning(string name, string title, string remedy) => new(name, Severity.Warning, title, remedy);
}
