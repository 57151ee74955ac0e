using CoIN.Mini.Pretraining;
using CoIN.Mini.Tasks;
using CoIN.Mini.Tests.Support;
using CoIN.Models.Tokenization;

namespace CoIN.Mini.Tests.Pretraining;

public sealed class MiniVocabularyTests
{
    private static readonly SentencePieceModel Model = MiniVocabulary.Build();
    private static readonly SentencePieceTokenizer Tokenizer = new(Model);

    public static TheoryData<string> Folders => Miniatures.Folders;

    [Fact]
    public void It_is_the_same_each_time_with_no_piece_twice_and_small_enough_for_a_miniature()
    {
        Assert.Equal(Model.ToBytes(), MiniVocabulary.Build().ToBytes());
        Assert.Equal(Model.Pieces.Count, Model.Pieces.Select(piece => piece.Text).Distinct(StringComparer.Ordinal).Count());
        Assert.InRange(Model.Pieces.Count, 3 + 256 + 95, 1300);
    }

    [Theory, MemberData(nameof(Folders))]
    public void Every_text_of_a_task_survives_encoding_and_needs_bytes_for_line_breaks_alone(string folder)
    {
        foreach (var text in Texts(folder))
        {
            var ids = Tokenizer.Encode(text);
            Assert.All(ids, id => Assert.True(Model.Pieces[id] is { Kind: PieceKind.Normal } or { Text: "<0x0A>" }, Model.Pieces[id].Text));
            Assert.Equal(text, Tokenizer.Decode(ids));
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void A_word_of_a_task_is_one_token_wherever_it_stands(string folder)
    {
        foreach (var text in Texts(folder))
        {
            var words = text.Split(' ', '\n')
                .Select(word => word.Trim('.', ',', '?', ':', '[', ']'))
                .Where(word => word.Length > 0 && word.All(char.IsAsciiLetterOrDigit))
                .ToList();
            var tokens = Tokenizer.Encode(text).Select(id => Model.Pieces[id].Text).ToList();

            // The shipped ids are older than this spelling: it is read as the shape and two letters.
            Assert.All(words.Where(word => word != "crosses"), word =>
                Assert.Contains(tokens, token => token.TrimStart('\u2581').TrimEnd(':', '.') == word)
            );
        }
    }

    [Theory, MemberData(nameof(Folders))]
    public void Questions_and_answers_are_short_in_tokens(string folder)
    {
        foreach (var item in Miniatures.Items(folder, 300))
        {
            Assert.InRange(Tokenizer.Encode(MiniDataset.Question(Miniatures.Task(folder), item)).Count, 1, 32);
            Assert.InRange(Tokenizer.Encode(item.Short.Answer).Count, 1, 10);
            Assert.InRange(Tokenizer.Encode(item.Sentence.Question).Count + Tokenizer.Encode(item.Sentence.Answer).Count, 1, 40);
        }
    }

    [Fact]
    public void The_model_that_ships_with_the_program_has_this_vocabulary() =>
        Assert.Equal(File.ReadAllBytes(Path.Combine(Repository, "src", "CoIN.Mini", "Model", "tokenizer.model")), Model.ToBytes());

    [Fact]
    public void A_word_in_a_list_of_options_or_tokens_is_the_token_that_answers_give()
    {
        Assert.Equal(Tokenizer.Encode("green")[^1], Tokenizer.Encode("A. red\nB. green")[^1]);
        Assert.Equal(Tokenizer.Encode("van"), Tokenizer.Encode("Reference OCR token: sun, van").TakeLast(1));
    }

    [Fact]
    public void The_words_of_the_conversation_templates_are_single_tokens() =>
        Assert.InRange(
            Tokenizer
                .Encode(
                    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions. USER: x ASSISTANT:"
                )
                .Count,
            20,
            36
        );

    private static string Repository
    {
        get
        {
            var folder = AppContext.BaseDirectory;
            while (!File.Exists(Path.Combine(folder, "CoIN.Actors.sln")))
            {
                folder = Path.GetDirectoryName(folder)!;
            }

            return folder;
        }
    }

    private static IEnumerable<string> Texts(string folder) =>
        Miniatures
            .Items(folder, 300)
            .SelectMany(item =>
                new[]
                {
                    MiniDataset.Question(Miniatures.Task(folder), item),
                    item.Short.Answer,
                    item.Sentence.Question,
                    item.Sentence.Answer,
                }
            );
}
