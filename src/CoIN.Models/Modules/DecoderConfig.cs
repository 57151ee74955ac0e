namespace CoIN.Models.Modules;

/// <summary>
/// Shape of a decoder: LLaMA's (transformers' <c>LlamaConfig</c>), and of models that differ from it by what stands here.
/// </summary>
/// <param name="MaxPositions">Positions of the longest sequence that is computed.</param>
/// <param name="AttentionBias">Whether the maps to queries, keys and values have biases.</param>
internal sealed record DecoderConfig(
    int HiddenSize,
    int IntermediateSize,
    int Layers,
    int Heads,
    int KeyValueHeads,
    int VocabularySize,
    double RmsNormEps,
    double RopeTheta,
    int MaxPositions,
    bool TiedEmbeddings,
    bool AttentionBias = false
)
{
    /// <summary>How the rotary embedding is scaled; null for the plain one.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Positions that the model was made for (<c>max_position_embeddings</c>).</summary>
    public int TrainedPositions { get; init; } = MaxPositions;

    /// <summary>What evaluation does beyond the trained positions; null for what training does.</summary>
    public LongContext? LongContext { get; init; }

    /// <summary>Bases of the rotary embedding, a table of rotations for each.</summary>
    public IReadOnlyList<double> RotaryBases => LongContext?.Bases(RopeTheta, MaxPositions, HeadSize) ?? [RopeTheta];

    /// <summary>
    /// How many frequencies of the rotary embedding turn with time, with height and with width (Qwen2-VL's <c>mrope_section</c>); null
    /// where a position is one number.
    /// </summary>
    public IReadOnlyList<int>? RopeSections { get; init; }

    public int HeadSize => HiddenSize / Heads;

    /// <summary>Features of all keys of a position, and of all values.</summary>
    public int KeyValueSize => KeyValueHeads * HeadSize;
}
