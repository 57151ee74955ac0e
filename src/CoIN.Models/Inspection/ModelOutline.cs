using System.Globalization;
using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Families;

namespace CoIN.Models.Inspection;

/// <summary>A model of which only the configuration is there yet: a run of it can be planned.</summary>
public static class ModelOutline
{
    /// <summary>
    /// What is missing that a plan can do without, as a sentence; null where weights and tokenizer are there, or the files are no
    /// model's, which those that read them say.
    /// </summary>
    public static string? Missing(ModelOptions model)
    {
        var family = ModelFamilies.Of(model);
        var (weights, prompts) = (family.HasWeights(model), family.HasTokenizer(model));
        if (weights && prompts)
        {
            return null;
        }

        string[] missing = [.. weights ? Array.Empty<string>() : ["weights"], .. prompts ? Array.Empty<string>() : ["tokenizer"]];
        var lengths = prompts
            ? ""
            : string.Create(
                CultureInfo.InvariantCulture,
                $" Every sample counts as model.max-length, {model.MaxLength:n0} tokens, so that memory and time are upper bounds."
            );
        return $"{family.SourceOf(model)} has no {string.Join(" and no ", missing)}: the plan is made without.{lengths}";
    }

    /// <summary>Notes what is wrong with the configuration that there is.</summary>
    public static void Check(ModelOptions model, Problems problems) =>
        problems.Try(() => _ = ModelFamilies.Of(model).Shape(model), "coin.model.path");
}
