using CoIN.Benchmark.Experiments;
using CoIN.Mini.Pretraining;
using CoIN.Mini.Tests.Support;
using CoIN.Models.Families;
using CoIN.Models.Families.Qwen25Vl;
using CoIN.Models.Sequences;

namespace CoIN.Mini.Tests.Pretraining;

public sealed class Qwen25VlMiniatureTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("coin-mini-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Its_folder_is_a_Qwen25_VL_whose_words_are_tokens_and_whose_pictures_have_36_places()
    {
        var family = MiniFamilies.Of("qwen2.5-vl");
        family.Initialize(folder, seed: 1);
        Assert.True(family.Recognizes(folder));
        Assert.All(Directory.GetFiles(folder), file => Assert.True(MiniModel.IsFile(Path.GetFileName(file)), file));
        Assert.Equal(family.Vocabulary.Content, File.ReadAllBytes(Path.Combine(folder, family.Vocabulary.File)));
        Assert.IsType<Qwen25VlFamily>(ModelFamilies.Of(new ModelOptions { Path = folder }));

        var subject = family.Open(folder, warning => Assert.Fail(warning));
        using var model = subject.Model;
        var tokenizer = new MiniTokenizer(subject);
        foreach (var task in new[] { "VQAv2", "ImageNet" })
        {
            foreach (var item in Miniatures.Items(task, 20))
            {
                var sample = new CorpusSample(task, item.Picture.Pixels, item.Sentence.Question, item.Sentence.Answer);
                var ids = tokenizer.Prompt(sample);
                Assert.Equal(36, Assert.Single(ids, PicturePlace.Is) is var place ? PicturePlace.Positions(place, 0) : 0);

                // ChatML's own words are no words of the miniature: spelled out they take some forty tokens.
                Assert.InRange(ids.Count, 1, 100);
                Assert.Equal(3 * 48 * 48, Assert.Single(tokenizer.Pixels([sample])).Length);
            }
        }
    }
}
