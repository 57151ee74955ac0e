using CoIN.Benchmark.Data;
using CoIN.Mini.Drawing;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;

namespace CoIN.Mini.Pretraining;

/// <summary>The corpus through the very tokenizer, conversation and image processor with which the finished model is used.</summary>
internal sealed class MiniTokenizer(MiniSubject subject)
{
    private const string Picture = "picture";

    public int EndOfSequence => subject.Prompts.EndOfSequence;

    /// <summary>Ids and labels of a question with its answer.</summary>
    public TokenSequence Training(CorpusSample sample)
    {
        var (image, question) = sample.Rgb is null ? (null, sample.Question) : (Picture, $"<image>\n{sample.Question}");
        var tokens = subject.Prompts.Training(new TrainingSample("", image, [new Turn("human", question), new Turn("gpt", sample.Answer)]));
        return new TokenSequence(Placed(sample, tokens.Ids), tokens.Labels);
    }

    /// <summary>Ids of a question that waits for its answer.</summary>
    public IReadOnlyList<int> Prompt(CorpusSample sample) =>
        Placed(sample, subject.Prompts.Evaluation(sample.Question, sample.Rgb is null ? 0 : 1));

    public string Decode(IEnumerable<int> ids) => subject.Prompts.Decode(ids);

    /// <summary>Normalized pixels [3, size, size] of each sample that is shown a picture, be it an empty one.</summary>
    public IReadOnlyList<float[]> Pixels(IEnumerable<CorpusSample> samples) =>
        [
            .. samples
                .Where(sample => sample.Rgb is not null || subject.Prompts.AlwaysPictured)
                .Select(sample =>
                    sample.Rgb is null
                        ? new float[3 * subject.ImageSize * subject.ImageSize]
                        : subject.Pixels(new RgbImage(Canvas.Size, Canvas.Size, sample.Rgb))
                ),
        ];

    private IReadOnlyList<int> Placed(CorpusSample sample, IReadOnlyList<int> ids) =>
        subject.Prompts.Placed(sample.Kind, ids, sample.Rgb is null ? [] : [Picture]);
}
