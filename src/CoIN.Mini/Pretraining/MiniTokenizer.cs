using CoIN.Benchmark.Data;
using CoIN.Mini.Drawing;
using CoIN.Models.Conversation;
using CoIN.Models.Imaging;
using CoIN.Models.Llava;
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
    public LlavaSequence Training(string question, string answer)
    {
        var tokens = prompts.Training(new TrainingSample("", "picture", [new Turn("human", $"<image>\n{question}"), new Turn("gpt", answer)]));
        return new LlavaSequence(tokens.Ids, tokens.Labels);
    }

    /// <summary>Ids of a question that waits for its answer.</summary>
    public IReadOnlyList<int> Prompt(string question) => prompts.Evaluation(question, hasImage: true);

    public string Decode(IEnumerable<int> ids) => tokenizer.Decode(ids);

    /// <summary>Normalized pixels [3, size, size].</summary>
    public float[] Pixels(byte[] rgb) => images.Normalize(images.Resize(new RgbImage(Canvas.Size, Canvas.Size, rgb), ImageMode.Pad));
}
