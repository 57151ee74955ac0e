using static TorchSharp.torch;

namespace CoIN.Models.Computing;

/// <summary>Logits of some of a micro-batch's labelled positions: those that exist together.</summary>
/// <param name="Logits">float32 [some, vocabulary], outside any graph; to be read, not kept.</param>
/// <param name="Targets">int64 [some]: the token that follows.</param>
/// <param name="First">The first one's place among the micro-batch's labelled positions.</param>
/// <param name="Total">The micro-batch's labelled positions.</param>
internal sealed record LabelledLogits(Tensor Logits, Tensor Targets, long First, long Total);

/// <summary>
/// The gradient of a further term of a micro-batch's loss with respect to logits, shaped as they are; null for none. It is weighed as the
/// cross entropy is.
/// </summary>
internal delegate Tensor? LogitsGradient(LabelledLogits rows);
