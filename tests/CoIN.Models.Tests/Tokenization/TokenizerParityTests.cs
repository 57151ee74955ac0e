using CoIN.Models.Tests.Golden;
using CoIN.Models.Tokenization;

namespace CoIN.Models.Tests.Tokenization;

[Trait("Category", "Parity")]
public sealed class TokenizerParityTests
{
    public static TheoryData<string> Folders => PromptFixtures.Folders();

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_string_has_the_reference_s_ids_pieces_and_decoding(string folder)
    {
        var tokenizer = SentencePieceTokenizer.Load(GoldenFolder.Of(folder, "tokenizer.model"));
        foreach (var one in PromptFixtures.Read(folder, "strings.json")["strings"]!)
        {
            List<int> ids = [tokenizer.BeginOfSequence, .. tokenizer.Encode((string)one["text"]!)];
            Assert.Equal(PromptFixtures.Ints(one["ids"]!), ids);
            Assert.Equal(one["pieces"]!.Select(piece => (string)piece!), ids.Select(tokenizer.PieceText));
            Assert.Equal((string)one["decoded"]!, tokenizer.Decode(ids));
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Ids_that_are_no_text_decode_as_the_reference_has_it(string folder)
    {
        var tokenizer = SentencePieceTokenizer.Load(GoldenFolder.Of(folder, "tokenizer.model"));
        foreach (var one in PromptFixtures.Read(folder, "strings.json")["decode_only"]!)
        {
            Assert.Equal((string)one["decoded"]!, tokenizer.Decode(PromptFixtures.Ints(one["ids"]!)));
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_model_that_is_written_back_gives_the_same_ids(string folder)
    {
        var model = SentencePieceModel.Read(GoldenFolder.Of(folder, "tokenizer.model"));
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, model.ToBytes());
            Assert.Equal(model.Pieces, SentencePieceModel.Read(path).Pieces);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
