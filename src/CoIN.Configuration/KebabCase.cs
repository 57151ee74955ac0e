using System.Text;

namespace CoIN.Configuration;

/// <summary>How keys and values are written: <c>gradient-accumulation</c> for <c>GradientAccumulation</c>.</summary>
internal static class KebabCase
{
    public static string Of(string name)
    {
        var text = new StringBuilder();
        foreach (var c in name)
        {
            text.Append(char.IsUpper(c) && text.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
