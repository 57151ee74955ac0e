using CoIN.Benchmark.Data;
using CoIN.Benchmark.Data.Reading;

namespace CoIN.Benchmark.Checking;

/// <summary>What remains of a sample after it was checked on its own.</summary>
/// <param name="Line">1-based line of its file.</param>
/// <param name="Id">Its id, or its position as words where it has none.</param>
/// <param name="HasId">Whether <paramref name="Id"/> is one.</param>
/// <param name="IsRead">Whether it could be read at all.</param>
/// <param name="Image">Its image's path, or null.</param>
/// <param name="Questions">What it asks, as <see cref="QuestionKey"/> has it.</param>
/// <param name="Size">The size that it says its image has.</param>
/// <param name="Learns">Whether something of it is learned (training).</param>
internal sealed record CheckedSample(
    int Line,
    string Id,
    bool HasId,
    bool IsRead,
    string? Image,
    IReadOnlyList<UInt128> Questions,
    (double Width, double Height)? Size,
    bool Learns,
    IReadOnlyList<Flaw> Flaws
)
{
    /// <summary>Paths of the images behind the first.</summary>
    public IReadOnlyList<string> FurtherImages { get; init; } = [];

    /// <summary>The test sample itself, where only the whole test set shows whether it can be scored; else null.</summary>
    public TestSample? Truth { get; init; }

    /// <summary>Checks a training sample; a fault of reading becomes a flaw.</summary>
    /// <param name="images">Folder below the image root to which its image's path is relative; null for the root.</param>
    public static CheckedSample Training(SampleEntry entry, SampleRules rules, string? images = null) => Guarded(entry, () =>
        {
            var sample = TrainingSamples.Sample(entry).In(images);
            var flaws = rules.Check(sample, out var learns);
            var questions = sample.Conversations.Where((_, i) => i % 2 == 0).Select(turn => QuestionKey.Of(turn.Value)).ToArray();
            return new CheckedSample(entry.Line, sample.Id, true, true, sample.Image, questions, null, learns, flaws)
            {
                FurtherImages = sample.FurtherImages,
            };
        });

    /// <summary>Checks a test sample; a fault of reading becomes a flaw.</summary>
    /// <param name="images">As for <see cref="Training"/>.</param>
    /// <param name="references">Where its reference answers are looked up; null where the entry has them.</param>
    public static CheckedSample Test(SampleEntry entry, SampleRules rules, string? images = null, CaptionReferences? references = null) =>
        Guarded(entry, () =>
        {
            _ = entry.Id;
            var sample = TestSamples.Sample(entry).In(images);
            try
            {
                sample = references?.Of(sample) ?? sample;
            }
            catch (CoinException e)
            {
                return new CheckedSample(
                    entry.Line,
                    sample.QuestionId,
                    true,
                    true,
                    sample.Image,
                    [QuestionKey.Of(sample.Text)],
                    sample.Size,
                    false,
                    [new Flaw(FindingKind.UnscorableAnswer, e.Message)]
                );
            }

            var tagged = entry.Text("text").Contains(ImageTags.Tag, StringComparison.Ordinal);
            return new CheckedSample(
                entry.Line,
                sample.QuestionId,
                true,
                true,
                sample.Image,
                [QuestionKey.Of(sample.Text)],
                sample.Size,
                false,
                rules.Check(sample, tagged)
            )
            {
                FurtherImages = sample.FurtherImages,
                Truth = rules.NeedsTestSet ? sample : null,
            };
        });

    private static CheckedSample Guarded(SampleEntry entry, Func<CheckedSample> check)
    {
        try
        {
            return check();
        }
        catch (CoinException) when (entry.LastFault is not null)
        {
            var (kind, sentence) = entry.LastFault;
            var flaw = new Flaw(
                kind switch
                {
                    SampleFaultKind.EmptyAnswer => FindingKind.EmptyAnswer,
                    SampleFaultKind.BadBox => FindingKind.BadBox,
                    _ => FindingKind.MalformedSample,
                },
                sentence
            );
            return new CheckedSample(entry.Line, entry.Name, entry.HasId, false, null, [], null, false, [flaw]);
        }
    }
}
