using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>A task's folder that was built.</summary>
/// <param name="Task">The paper's name of the task.</param>
/// <param name="Folder">The folder.</param>
/// <param name="Training">Its training set.</param>
/// <param name="Test">Its test set.</param>
/// <param name="Sources">What it was built from.</param>
/// <param name="Notes">What people should know of how it was built, as sentences.</param>
public sealed record BuiltTask(
    string Task,
    string Folder,
    BuiltSplit Training,
    BuiltSplit Test,
    IReadOnlyList<RawSource> Sources,
    IReadOnlyList<string> Notes
);

/// <summary>One set of samples.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Sha256">SHA-256 of the file.</param>
/// <param name="Available">Samples that there were before a part was drawn.</param>
/// <param name="Samples">Samples in the file.</param>
/// <param name="Questions">Questions in the file; more than samples where an image's questions are one conversation.</param>
/// <param name="Images">Different images in the file.</param>
/// <param name="Dropped">What was left out, before a part was drawn.</param>
public sealed record BuiltSplit(
    string File,
    string Sha256,
    int Available,
    int Samples,
    int Questions,
    int Images,
    IReadOnlyList<Dropped> Dropped
);
