namespace CoIN.Models.Modules;

/// <summary>
/// Shape of a vision transformer with norms in front of attention and feed-forward network. What follows the sizes is CLIP's (transformers'
/// <c>CLIPVisionConfig</c>) unless it is set otherwise.
/// </summary>
/// <param name="Activation"><c>quick_gelu</c> or <c>gelu</c> (exact).</param>
internal sealed record VisionConfig(
    int HiddenSize,
    int IntermediateSize,
    int Layers,
    int Heads,
    int ImageSize,
    int PatchSize,
    string Activation,
    double LayerNormEps
)
{
    /// <summary>Whether a learned position stands in front of the patches.</summary>
    public bool ClassToken { get; init; } = true;

    /// <summary>Whether the embeddings of the patches have a bias.</summary>
    public bool PatchBias { get; init; }

    /// <summary>Whether the embeddings go through a norm before the first layer.</summary>
    public bool InputNorm { get; init; } = true;

    public int HeadSize => HiddenSize / Heads;

    /// <summary>Patches of a picture.</summary>
    public int Patches => ImageSize / PatchSize * (ImageSize / PatchSize);

    /// <summary>Positions of a picture in the transformer.</summary>
    public int Positions => Patches + (ClassToken ? 1 : 0);

    /// <summary>Layers that a hidden state needs.</summary>
    /// <param name="state">
    /// The hidden state's index, 0 for the embeddings; negative counts from the end, −1 is the last layer's output.
    /// </param>
    public int LayersBelow(int state) => state < 0 ? Layers + 1 + state : state;

    /// <summary>Parameters of the embeddings and of some layers.</summary>
    public long Parameters(int layers)
    {
        long h = HiddenSize,
            i = IntermediateSize;
        var layer = (4 * h * h) + (4 * h) + (2 * h * i) + h + i + (4 * h);
        var embeddings =
            (3 * h * PatchSize * PatchSize) + (Positions * h) + (ClassToken ? h : 0) + (PatchBias ? h : 0) + (InputNorm ? 2 * h : 0);
        return embeddings + (layers * layer);
    }
}

/// <summary>
/// What a checkpoint calls a vision transformer's weights, without the prefix in front of all of them. As it stands: CLIP's names.
/// </summary>
internal sealed record VisionNames
{
    public static VisionNames Clip { get; } = new();

    public string ClassEmbedding { get; init; } = "embeddings.class_embedding";

    /// <summary>Dimensions of one in front of the class token's shape, and of the positions'.</summary>
    public (int ClassToken, int Positions) LeadingOnes { get; init; }

    /// <summary>
    /// Whether positions that were made for pictures of another size are resized as the reference of such models does; otherwise another
    /// number of positions is a fault.
    /// </summary>
    public bool ResizesPositions { get; init; }

    /// <summary>Without <c>.weight</c> and <c>.bias</c>, as all that follow but the positions.</summary>
    public string PatchEmbedding { get; init; } = "embeddings.patch_embedding";

    public string PositionEmbedding { get; init; } = "embeddings.position_embedding.weight";

    /// <remarks>The spelling is the checkpoints' own.</remarks>
    public string InputNorm { get; init; } = "pre_layrnorm";

    /// <summary>What stands before a layer's number.</summary>
    public string Layers { get; init; } = "encoder.layers";

    public string AttentionNorm { get; init; } = "layer_norm1";

    public string InnerNorm { get; init; } = "layer_norm2";

    /// <summary>The maps to queries, keys and values, in this order; one name where a checkpoint holds them as one matrix.</summary>
    public IReadOnlyList<string> Qkv { get; init; } = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];

    /// <summary>
    /// The whole names of their biases where these are stored apart, null for one that there is not; no list where each map has its own.
    /// </summary>
    public IReadOnlyList<string?>? QkvBiases { get; init; }

    /// <summary>
    /// Whether the one matrix of <see cref="Qkv"/> holds, for each head, its queries, keys and values, and not first all queries.
    /// </summary>
    public bool QkvByHead { get; init; }

    public string Output { get; init; } = "self_attn.out_proj";

    public string Inner { get; init; } = "mlp.fc1";

    public string Outer { get; init; } = "mlp.fc2";

    /// <summary>Beginnings of the names of what features of a layer do not need.</summary>
    public IReadOnlyList<string> Unused { get; init; } = ["post_layernorm.", "embeddings.position_ids"];
}
