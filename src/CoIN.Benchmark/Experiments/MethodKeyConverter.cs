using System.Text;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Experiments;

/// <summary>
/// A method's key in journals: each word with a capital and without the hyphens (<c>SequentialLora</c>), as journals have had it from the
/// beginning.
/// </summary>
internal sealed class MethodKeyConverter : JsonConverter<string>
{
    public override void WriteJson(JsonWriter writer, string? value, JsonSerializer serializer) =>
        writer.WriteValue(
            string.Concat((value ?? "").Split('-').Select(word => word.Length == 0 ? "" : char.ToUpperInvariant(word[0]) + word[1..]))
        );

    public override string? ReadJson(
        JsonReader reader,
        Type objectType,
        string? existingValue,
        bool hasExistingValue,
        JsonSerializer serializer
    )
    {
        var key = new StringBuilder();
        foreach (var letter in (string?)reader.Value ?? "")
        {
            key.Append(char.IsUpper(letter) && key.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(letter));
        }

        return key.ToString();
    }
}
