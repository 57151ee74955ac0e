using CoIN.Models.Modules;

namespace CoIN.Models.Families;

/// <summary>What of a model decides its work and memory, by its configuration alone.</summary>
/// <param name="ImageTokens">Positions of a picture in the language model.</param>
/// <param name="VisionParameters">Of the vision tower as far as it is loaded.</param>
/// <param name="ProjectorParameters">Of the projector.</param>
internal sealed record ModelShape(DecoderConfig Text, VisionConfig Vision, int ImageTokens, long VisionParameters, long ProjectorParameters);
