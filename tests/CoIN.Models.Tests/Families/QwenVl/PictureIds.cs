using System.Text;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;

namespace CoIN.Models.Tests.Families.QwenVl;

/// <summary>Ids with placeholders, and the reference's, in which the bytes of a picture's path stand in its places.</summary>
internal static class PictureIds
{
    /// <summary>The reference's ids.</summary>
    public static List<int> Expand(IReadOnlyList<int> ids, IReadOnlyList<string> paths)
    {
        var pad = (int)PromptFixtures.Read("qwen-vl-tiny", "tokenizer_cases.json")["img_pad_id"]!;
        var picture = 0;
        return
        [
            .. ids.SelectMany(id =>
            {
                if (id != SequenceBatch.ImagePlaceholder)
                {
                    return [id];
                }

                var bytes = Encoding.UTF8.GetBytes(paths[picture++]).Select(value => (int)value).ToList();
                return bytes.Concat(Enumerable.Repeat(pad, QwenVlTokenizer.ImageSpan - bytes.Count));
            }),
        ];
    }

    /// <summary>Ids with a placeholder for what stands between a picture's marks, and labels with one label for it.</summary>
    public static TokenSequence Contract(IReadOnlyList<int> ids, IReadOnlyList<int>? labels = null)
    {
        var cases = PromptFixtures.Read("qwen-vl-tiny", "tokenizer_cases.json");
        var (start, end) = ((int)cases["img_start_id"]!, (int)cases["img_end_id"]!);
        var (contracted, kept) = (new List<int>(), new List<int>());
        for (var i = 0; i < ids.Count; i++)
        {
            contracted.Add(ids[i]);
            kept.Add(labels?[i] ?? SequenceBatch.Ignored);
            if (ids[i] == start)
            {
                contracted.Add(SequenceBatch.ImagePlaceholder);
                kept.Add(SequenceBatch.Ignored);
                i = ids.ToList().IndexOf(end, i) - 1;
            }
        }

        return new TokenSequence(contracted, labels is null ? null : kept);
    }
}
