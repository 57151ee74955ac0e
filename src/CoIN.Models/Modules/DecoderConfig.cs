namespace CoIN.Models.Modules;

/// <summary>
/// Shape of a decoder: LLaMA's (transformers' <c>LlamaConfig</c>), and of models that differ from it by what stands here.
/// </summary>
/// <param name="AttentionBias">Whether the maps to queries, keys and values have biases.</param>
internal sealed record DecoderConfig(
    int HiddenSize, int IntermediateSize, int Layers, int Heads, int KeyValueHeads, int VocabularySize,
    double RmsNormEps, double RopeTheta, int MaxPositions, bool TiedEmbeddings, bool AttentionBias = false)
{
    public int HeadSize => HiddenSize / Heads;

    /// <summary>Features of all keys of a position, and of all values.</summary>
    public int KeyValueSize => KeyValueHeads * HeadSize;
}
