using CoIN.Benchmark.Data;
using CoIN.Benchmark.Instructions;

namespace CoIN.Benchmark.Building;

/// <summary>What a training sample of GQA, VQAv2 and OCR-VQA is, which have many questions about one image.</summary>
public enum QuestionGrouping
{
    /// <summary>One sample per image; its questions are the turns of one conversation. The paper's counts are those of images.</summary>
    PerImage,

    /// <summary>One sample per image, with one of its questions, drawn by the seed.</summary>
    OnePerImage,

    /// <summary>One sample per question.</summary>
    Each,
}

/// <summary>
/// How instruction folders are built from raw data sets. Everything that decides the written bytes is here, the raw files aside.
/// </summary>
public sealed record BuildOptions
{
    /// <summary>The way in which instructions are worded.</summary>
    public InstructionType Instructions { get; init; } = InstructionType.Original;

    /// <summary>Decides every draw.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>Part of the training set, greater than 0 and at most 1; nested for one seed.</summary>
    public double Volume { get; init; } = 1;

    /// <summary>At most so many test samples, drawn by the seed, nested; 0 for all.</summary>
    public int TestSamples { get; init; }

    /// <summary>What a training sample is where an image has many questions.</summary>
    public QuestionGrouping Grouping { get; init; } = QuestionGrouping.PerImage;

    /// <summary>ImageNet's number of classes, drawn by the seed.</summary>
    public int Classes { get; init; } = 100;

    /// <summary>A file that names ImageNet's classes instead: one synset id at the beginning of each line.</summary>
    public string? ClassesFile { get; init; }

    /// <summary>The image root in which every image is looked for; null for not looking.</summary>
    public string? Images { get; init; }

    /// <summary>Whether samples whose image is missing are left out instead of ending the build.</summary>
    public bool DropMissingImages { get; init; }

    /// <summary>Whether training samples stay whose image is in the task's test set.</summary>
    public bool KeepSharedImages { get; init; }

    /// <summary>The task's image folder below the image root; null for the usual one.</summary>
    public string? ImageFolder { get; init; }
}
