using CoIN.Benchmark;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Families;

namespace CoIN.Models.Learning;

/// <summary>Folds adapters into their base models.</summary>
public static class ModelMerge
{
    /// <summary>Merges an adapter folder into a model and writes the merged folder, whole or not at all.</summary>
    /// <param name="folder">The adapter, in PEFT's format.</param>
    /// <param name="model">The base model's files.</param>
    /// <param name="output">A folder that does not exist or is empty.</param>
    /// <param name="dtype">float32, bfloat16 or float16; null for the type in which the language model is stored.</param>
    /// <param name="tell">Receives sentences about what is left out.</param>
    /// <exception cref="CoinException">
    /// A file is missing or damaged, the adapter does not fit the model, or the folder is not empty.
    /// </exception>
    public static void Write(string folder, ModelOptions model, string output, string? dtype, Action<string> tell)
    {
        AdapterMerge.CheckOutput(output);
        ModelFamilies.Of(model).Merge(folder, model, output, dtype, tell);
    }
}
