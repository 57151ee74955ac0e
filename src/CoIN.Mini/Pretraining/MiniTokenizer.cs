using CoIN.Benchmark.Data;
using CoIN.Mini.Drawing;
using CoIN.Models.Imaging;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;

namespace CoIN.Mini.Pretraining;

/// <summary>The corpus through the very tokenizer, template and image processor with which the finished model is used.</summary>
internal sealed class MiniTokenizer
{
    private readonly SentencePieceTokenizer tokenizer;
    private readonly PromptBuilder prompts;
    private readonly ClipImageProcessor images;

    /// <param name="folder">The model folder, for its tokenizer.model and preprocessor_config.json.</param>
    public MiniTokenizer(string folder, string conversation, int maxLength)
    {
        tokenizer = SentencePieceTokenizer.Load(Path.Combine(folder, "tokenizer.model"));
        prompts = new PromptBuilder(tokenizer, ConversationTemplates.Get(conversation), maxLength);
        images = ClipImageProcessor.Load(Path.Combine(folder, "preprocessor_config.json"));
    }

    public int EndOfSequence => tokenizer.EndOfSequence;

    /// <summary>Ids and labels of a question with its answer.</summary>
    public TokenSequence Training(CorpusSample sample)
    {
        var (image, question) = sample.Rgb is null ? (null, sample.Question) : ("picture", $"<image>\n{sample.Question}");
        var tokens = prompts.Training(new TrainingSample("", image, [new Turn("human", question), new Turn("gpt", sample.Answer)]));
        return new TokenSequence(tokens.Ids, tokens.Labels);
    }

    /// <summary>Ids of a question that waits for its answer.</summary>
    public IReadOnlyList<int> Prompt(CorpusSample sample) => prompts.Evaluation(sample.Question, sample.Rgb is null ? 0 : 1);

    public string Decode(IEnumerable<int> ids) => tokenizer.Decode(ids);

    /// <summary>Normalized pixels [3, size, size].</summary>
    public float[] Pixels(byte[] rgb) => images.Normalize(images.Resize(new RgbImage(Canvas.Size, Canvas.Size, rgb), ImageMode.Pad));
}
