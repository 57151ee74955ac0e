using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Building;

/// <summary>Names of ImageNet's classes: lines "n01440764 tench, Tinca tinca", of which the first name counts.</summary>
internal sealed class SynsetLabels
{
    private readonly Dictionary<string, string> labels = new(StringComparer.Ordinal);

    /// <summary>Reads <c>LOC_synset_mapping.txt</c> or <c>synset_words.txt</c>.</summary>
    /// <exception cref="CoinException">A line is no synset with its names.</exception>
    public static SynsetLabels Read(string path)
    {
        var read = new SynsetLabels();
        foreach (var (number, line) in TextLines.Read(path))
        {
            if (line.Split([' ', '\t'], 2) is not [['n', ..] synset, var names] || names.Split(',')[0].Trim() is not { Length: > 0 } name)
            {
                throw new CoinException(
                    $"{path}, line {number}: it is not \"synset name, name, …\", e.g. \"n01440764 tench, Tinca tinca\". "
                        + "Copy the file again from the data set's source."
                );
            }

            read.labels[synset] = name;
        }

        return read;
    }

    /// <summary>A class's first name.</summary>
    public string this[string synset] => labels[synset];

    public bool Contains(string synset) => labels.ContainsKey(synset);
}
