using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Linq;
using Newtonsoft.Json.Serialization;

namespace CoIN.Benchmark.Methods;

/// <summary>
/// The options of a method's own, under its key, in the form in which journals keep them: this way they survive in a program that does not
/// know the method.
/// </summary>
[JsonConverter(typeof(Converter))]
public sealed class MethodOptions : IEquatable<MethodOptions>
{
    private static readonly JsonSerializer Json = JsonSerializer.Create(
        new JsonSerializerSettings
        {
            NullValueHandling = NullValueHandling.Ignore,
            Culture = CultureInfo.InvariantCulture,
            ContractResolver = new DefaultContractResolver
            {
                NamingStrategy = new CamelCaseNamingStrategy { ProcessDictionaryKeys = false },
            },
            Converters = { new StringEnumConverter() },
        }
    );

    private readonly JObject byMethod;

    private MethodOptions(JObject byMethod) => this.byMethod = byMethod;

    /// <summary>A method's options.</summary>
    /// <param name="method">Its key.</param>
    /// <param name="options">A record with a property for every option.</param>
    public static MethodOptions Of(string method, object options) => new(new JObject { [method] = JObject.FromObject(options, Json) });

    /// <summary>The options of a method; null where there are none of it.</summary>
    /// <typeparam name="T">Its record. An option that was not written down has the record's default.</typeparam>
    public T? Get<T>(string method)
        where T : class => byMethod[method]?.ToObject<T>(Json);

    /// <summary>The options of a method whose record is known as a type only.</summary>
    public object? Get(string method, Type record) => byMethod[method]?.ToObject(record, Json);

    /// <inheritdoc/>
    public bool Equals(MethodOptions? other) => other is not null && JToken.DeepEquals(byMethod, other.byMethod);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MethodOptions);

    /// <inheritdoc/>
    public override int GetHashCode() => byMethod.ToString(Formatting.None).GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => byMethod.ToString(Formatting.None);

    private sealed class Converter : JsonConverter<MethodOptions>
    {
        public override void WriteJson(JsonWriter writer, MethodOptions? value, JsonSerializer serializer) =>
            (value?.byMethod ?? (JToken)JValue.CreateNull()).WriteTo(writer);

        public override MethodOptions? ReadJson(
            JsonReader reader,
            Type objectType,
            MethodOptions? existingValue,
            bool hasExistingValue,
            JsonSerializer serializer
        ) => JToken.Load(reader) is JObject byMethod ? new MethodOptions(byMethod) : null;
    }
}
