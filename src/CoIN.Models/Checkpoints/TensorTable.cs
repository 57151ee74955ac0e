using System.Globalization;
using CoIN.Benchmark;

namespace CoIN.Models.Checkpoints;

/// <summary>What files of tensors hold, as lines for people.</summary>
internal static class TensorTable
{
    /// <summary>Above the rows.</summary>
    public const string Heading = "                       parameters  stored as           on disk";

    /// <summary>A row: parameters, the types in which they are stored, their size on disk.</summary>
    public static string Row(string part, long parameters, IReadOnlyList<TensorDescription> tensors)
    {
        var types = string.Join(
            ", ",
            tensors.Select(tensor => tensor.Dtype).Distinct().Order().Select(type => type.ToString().ToLowerInvariant())
        );
        var bytes = tensors.Sum(tensor => tensor.Elements * SafetensorsHeader.ElementSize(tensor.Dtype));
        return Say($"  {part, -15} {parameters, 15:N0}  {types, -16} {ByteSize.Text(bytes), 10}");
    }

    /// <summary>What parameters take as numbers of either length.</summary>
    /// <param name="maps">How many of them can be held in four bits.</param>
    public static string Memory(long parameters, long maps = 0)
    {
        var all = Say($"{ByteSize.Text(parameters * 4)} as float32, {ByteSize.Text(parameters * 2)} as bfloat16 or float16");
        var packed = ((parameters - maps) * 2) + Nf4Weight.BytesOf(maps, new Nf4Settings());
        return maps == 0 ? all : Say($"{all}, {ByteSize.Text(packed)} so with the linear maps of the language model in 4 bits (nf4)");
    }

    /// <summary>Numbers of all tensors.</summary>
    public static long Elements(IEnumerable<TensorDescription> tensors) => tensors.Sum(tensor => tensor.Elements);

    /// <summary>Numbers as they are written everywhere.</summary>
    public static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Missing, left over and not needed.</summary>
    public static IEnumerable<string> Account(IEnumerable<CheckpointFolder> parts)
    {
        var whole = true;
        foreach (var part in parts)
        {
            string? fault = null;
            IReadOnlyList<string> unused = [];
            try
            {
                unused = part.Finish();
            }
            catch (CoinException e)
            {
                fault = e.Message;
            }

            if (fault is not null)
            {
                whole = false;
                yield return $"  missing: {fault}";
            }

            if (unused.Count > 0)
            {
                yield return $"  not used, {unused.Count} of {part.Path}: {NameList.Of(unused)}";
            }

            if (part.Ignored.ToList() is { Count: > 0 } ignored)
            {
                yield return $"  known and not needed, {ignored.Count} of {part.Path}: {NameList.Of(ignored)}";
            }
        }

        if (whole)
        {
            yield return "  no tensor is missing";
        }
    }
}
