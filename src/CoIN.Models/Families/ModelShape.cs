using CoIN.Models.Modules;

namespace CoIN.Models.Families;

/// <summary>What of a model decides its work and memory, by its configuration alone.</summary>
/// <param name="ImageTokens">Positions of a picture in the language model.</param>
/// <param name="VisionParameters">Of the vision tower as far as it is loaded.</param>
/// <param name="ProjectorParameters">Of the projector.</param>
internal sealed record ModelShape(DecoderConfig Text, VisionConfig Vision, int ImageTokens, long VisionParameters, long ProjectorParameters)
{
    /// <summary>Features of a picture's position in front of the projector.</summary>
    public int FeatureSize { get; init; } = Vision.HiddenSize;

    /// <summary>The projector's linear maps, with an activation between each two.</summary>
    public int ProjectorMaps { get; init; } = 2;

    /// <summary>What stands between the vision tower and the language model beside a projector; null for nothing.</summary>
    public ResamplerConfig? Resampler { get; init; }

    /// <summary>Whether the tower looks at a micro-batch's pictures one after another, not at all of them together.</summary>
    public bool OneByOne { get; init; }

    /// <summary>What checkpoints call the language model's maps.</summary>
    public DecoderNames Names { get; init; } = DecoderNames.Llama;
}
