namespace CoIN.Models.Modules;

/// <summary>
/// How a rotary embedding's frequencies are changed for sequences longer than those a model first learned from, as transformers computes it
/// (<c>modeling_rope_utils</c>), in float32 as there.
/// </summary>
/// <param name="By">How many times longer.</param>
internal abstract record RopeScaling(double By)
{
    /// <summary>What cosines and sines are multiplied with.</summary>
    public virtual double Factor => 1;

    /// <summary>The changed frequencies.</summary>
    /// <param name="frequencies">[head size / 2]: base^(−2i / head size).</param>
    /// <param name="theta">The base.</param>
    public abstract float[] Apply(float[] frequencies, double theta);
}

/// <summary>Position interpolation (Chen et al. 2023): all frequencies are divided.</summary>
internal sealed record LinearScaling(double By) : RopeScaling(By)
{
    /// <inheritdoc/>
    public override float[] Apply(float[] frequencies, double theta) => [.. frequencies.Select(frequency => frequency / (float)By)];
}

/// <summary>
/// NTK-aware scaling by a sequence's own length (bloc97 and emozilla 2023). It begins beyond the positions that a model was trained for,
/// which a configuration of this type must not exceed here; within them it changes nothing.
/// </summary>
internal sealed record DynamicScaling(double By) : RopeScaling(By)
{
    /// <inheritdoc/>
    public override float[] Apply(float[] frequencies, double theta) => frequencies;
}

/// <summary>Llama 3.1's: long wavelengths are divided, short ones stay, those between are blended.</summary>
/// <param name="Low">Wavelengths above <paramref name="Original"/> / low are long.</param>
/// <param name="High">Wavelengths below <paramref name="Original"/> / high are short.</param>
/// <param name="Original">Positions of the first training.</param>
internal sealed record Llama3Scaling(double By, double Low, double High, double Original) : RopeScaling(By)
{
    /// <inheritdoc/>
    public override float[] Apply(float[] frequencies, double theta) =>
        [
            .. frequencies.Select(frequency =>
            {
                var wavelength = (float)(2 * Math.PI) / frequency;
                if (wavelength > (float)(Original / Low))
                {
                    return frequency / (float)By;
                }

                if (wavelength < (float)(Original / High))
                {
                    return frequency;
                }

                var smooth = (((float)Original / wavelength) - (float)Low) / (float)(High - Low);
                return ((1 - smooth) * frequency / (float)By) + (smooth * frequency);
            }),
        ];
}

/// <summary>
/// YaRN (Peng et al. 2023): dimensions that turn often within the first training's positions stay, those that turn seldom are divided,
/// and attention is made sharper.
/// </summary>
/// <param name="Attention">What cosines and sines are multiplied with.</param>
/// <param name="Fast">Turns from which on a dimension stays.</param>
/// <param name="Slow">Turns below which a dimension is divided.</param>
/// <param name="Truncate">Whether the bounds between them are whole dimensions.</param>
/// <param name="Original">Positions of the first training.</param>
internal sealed record YarnScaling(double By, double Attention, double Fast, double Slow, bool Truncate, double Original) : RopeScaling(By)
{
    /// <inheritdoc/>
    public override double Factor => Attention;

    /// <summary>The attention factor where a configuration gives none.</summary>
    /// <param name="mscale">DeepSeek's weights of numerator and denominator; both or none.</param>
    public static double DefaultAttention(double by, double? mscale, double? mscaleAll)
    {
        double Sharper(double weight) => by <= 1 ? 1 : (0.1 * weight * Math.Log(by)) + 1;
        return mscale is { } own and not 0 && mscaleAll is { } all and not 0 ? Sharper(own) / Sharper(all) : Sharper(1);
    }

    /// <inheritdoc/>
    public override float[] Apply(float[] frequencies, double theta)
    {
        var size = 2 * frequencies.Length;
        double Dimension(double turns) => size * Math.Log(Original / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
        var (low, high) = (Dimension(Fast), Dimension(Slow));
        if (Truncate)
        {
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        }

        (low, high) = (Math.Max(low, 0), Math.Min(high, size - 1));

        // As in the reference, where both fall together.
        high = low == high ? high + 0.001 : high;
        return
        [
            .. frequencies.Select(
                (frequency, i) =>
                {
                    var divided = Math.Clamp((i - (float)low) / (float)(high - low), 0, 1);
                    return (frequency / (float)By * divided) + (frequency * (1 - divided));
                }
            ),
        ];
    }
}
