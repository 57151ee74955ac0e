namespace CoIN.Models.Modules;

/// <summary>
/// What Qwen-1 does in evaluation, and not in training, with sequences longer than those that it was trained with (Bai et al. 2023): the
/// base of the rotary embedding grows by steps with the prompt's length (dynamic NTK), and queries beyond are scaled by the logarithm of
/// their place (log-n). Tokens of an answer keep the base of their prompt.
/// </summary>
/// <param name="Trained">Positions of the longest trained sequence (<c>seq_length</c>).</param>
/// <param name="DynamicNtk">Whether the base grows (<c>use_dynamic_ntk</c>).</param>
/// <param name="LogN">Whether queries are scaled (<c>use_logn_attn</c>).</param>
internal sealed record LongContext(int Trained, bool DynamicNtk, bool LogN)
{
    /// <summary>The base that a prompt's length asks for, as the number of a table of rotations, from 0.</summary>
    public int Table(int positions) =>
        DynamicNtk && positions > Trained ? (int)Math.Ceiling((Math.Log(positions / (double)Trained) / Math.Log(2)) + 1) - 1 : 0;

    /// <summary>The bases of all tables that sequences of some length can ask for.</summary>
    /// <param name="theta">The trained base.</param>
    public IReadOnlyList<double> Bases(double theta, int positions, int headSize) =>
        [
            .. Enumerable
                .Range(0, Table(positions) + 1)
                .Select(table => theta * Math.Pow(Math.Pow(2, table + 1) - 1, headSize / (headSize - 2.0))),
        ];

    /// <summary>The queries' factors by position; null where they are all 1.</summary>
    public float[]? QueryScale(int positions) =>
        !LogN || positions <= Trained
            ? null
            : [.. Enumerable.Range(1, positions).Select(place => place > Trained ? (float)(Math.Log(place) / Math.Log(Trained)) : 1)];
}
