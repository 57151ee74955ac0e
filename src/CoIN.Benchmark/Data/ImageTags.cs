using CoIN.Benchmark.Data.Reading;

namespace CoIN.Benchmark.Data;

/// <summary>
/// The tag that stands for a sample's picture in its text: at most one turn has it, and none where there is no picture. Where there are
/// several pictures, each has a tag, and they are shown in the tags' order; a question without tags shows them in front.
/// </summary>
internal static class ImageTags
{
    public const string Tag = "<image>";

    /// <summary>How many turns have it.</summary>
    public static int Turns(TrainingSample sample) =>
        sample.Conversations.Count(turn => turn.Value.Contains(Tag, StringComparison.Ordinal));

    /// <summary>Tags in a text.</summary>
    public static int Count(string text) => text.Split(Tag).Length - 1;

    /// <summary>A sample that asks for no other picture than it has.</summary>
    /// <exception cref="CoinException">It asks for pictures that it does not have.</exception>
    public static TrainingSample Checked(SampleEntry entry, TrainingSample sample) =>
        (sample.Image, Turns(sample)) switch
        {
            (null, > 0) => throw WithoutImage(entry, "its conversation"),
            (not null, _) when sample.FurtherImages.Count > 0 => Several(
                entry,
                sample,
                sample.Images.Count,
                sample.Conversations.Sum(turn => Count(turn.Value)),
                optional: false
            ),
            (not null, > 1 and var turns) => throw entry.Fault(
                $"has {Tag} in {turns} turns and one image",
                "Keep the tag of the first question only"
            ),
            _ => sample,
        };

    /// <inheritdoc cref="Checked(SampleEntry, TrainingSample)"/>
    public static TestSample Checked(SampleEntry entry, TestSample sample) =>
        sample.Image is null && Count(entry.Text("text")) > 0 ? throw WithoutImage(entry, "its text")
        : sample.FurtherImages.Count > 0 ? Several(entry, sample, sample.Images.Count, Count(sample.Text), optional: true)
        : sample;

    private static T Several<T>(SampleEntry entry, T sample, int images, int tags, bool optional) =>
        tags == images || (optional && tags == 0)
            ? sample
            : throw entry.Fault(
                $"has {images} images and {Tag} {(tags == 1 ? "once" : $"{tags} times")}",
                $"Put {Tag} where each image is to be shown"
            );

    private static CoinException WithoutImage(SampleEntry entry, string where) =>
        entry.Fault($"has {Tag} in {where} and no \"image\"", "Name its image, or take the tag out");
}
