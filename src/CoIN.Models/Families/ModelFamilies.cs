using CoIN.Benchmark.Experiments;
using CoIN.Models.Families.Llava;
using CoIN.Models.Families.MiniGptV2;
using CoIN.Models.Families.Qwen25Vl;
using CoIN.Models.Families.QwenVl;

namespace CoIN.Models.Families;

/// <summary>The families that there are: a new one is a folder beside these and a line here.</summary>
internal static class ModelFamilies
{
    /// <summary>The first that knows a model's files has it.</summary>
    private static readonly IReadOnlyList<IModelFamily> All =
    [
        new MiniGptFamily(),
        new QwenVlFamily(),
        new Qwen25VlFamily(),
        new LlavaFamily(),
    ];

    /// <summary>The family of a model; null where nobody knows it.</summary>
    public static IModelFamily? Find(ModelOptions model) => All.FirstOrDefault(family => family.Recognizes(model));

    /// <summary>The family of a model; LLaVA, which says what is wrong, where nobody knows it.</summary>
    public static IModelFamily Of(ModelOptions model) => Find(model) ?? All[^1];
}
