using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>One thing that is wrong.</summary>
/// <param name="Task">The task's name.</param>
/// <param name="File">The samples file, relative to the instructions folder.</param>
/// <param name="Line">1-based line on which the sample begins; null for a file as a whole.</param>
/// <param name="Sample">The sample's id; null for a file as a whole.</param>
/// <param name="Image">The image's path below the image root, where the finding is about one.</param>
/// <param name="Message">What is wrong, as a clause that follows the place.</param>
public sealed record Finding(FindingKind Kind, string Task, string File, int? Line, string? Sample, string? Image, string Message)
{
    /// <summary>Where it is, for people: file, line and sample.</summary>
    public string Place =>
        (Line, Sample) switch
        {
            (null, null) => File,
            (null, _) => $"{File}, sample {Sample}",
            (_, null) => $"{File}, line {Line}",
            _ => $"{File}, line {Line}, sample {Sample}",
        };
}
