using CoIN.Benchmark.Experiments;
using CoIN.Models.Families.Llava;

namespace CoIN.Models.Families;

/// <summary>The families that there are: a new one is a folder beside these and a line here.</summary>
internal static class ModelFamilies
{
    private static readonly IReadOnlyList<IModelFamily> All =
    [
        new LlavaFamily(),
    ];

    /// <summary>The family of a model; null where nobody knows it.</summary>
    public static IModelFamily? Find(ModelOptions model) => All.FirstOrDefault(family => family.Recognizes(model));

    /// <summary>The family of a model; the first one, which says what is wrong, where nobody knows it.</summary>
    public static IModelFamily Of(ModelOptions model) => Find(model) ?? All[0];
}
