using System.Globalization;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Linq;
using Newtonsoft.Json.Serialization;

namespace CoIN.Benchmark.Reports;

/// <summary>All options of an experiment by their names in the configuration, those of its method among them.</summary>
public static class OptionList
{
    private static readonly KebabCaseNamingStrategy Names = new();

    private static readonly JsonSerializer Serializer = JsonSerializer.Create(
        new JsonSerializerSettings
        {
            ContractResolver = new DefaultContractResolver { NamingStrategy = Names },
            Converters = { new StringEnumConverter(Names) },
        }
    );

    /// <summary>The options as sections; null where something was left to its default of no value.</summary>
    public static JObject Tree(ExperimentOptions options)
    {
        var tree = JObject.FromObject(options, Serializer);
        // Journals write it in a form of their own.
        tree["method"] = options.Method;
        var written = tree["method-options"] as JObject;
        tree.Remove("method-options");
        foreach (var section in written?.Properties() ?? [])
        {
            tree[section.Name] = Renamed(section.Value);
        }

        // What a journal does not hold, being older than the option or not having been set, is what the method's record says.
        if (LearningMethods.Known.Keys.Contains(options.Method) && LearningMethods.Known.Of(options.Method).Options is { } type)
        {
            var all = JObject.FromObject(Activator.CreateInstance(type)!, Serializer);
            all.Merge(tree[options.Method] as JObject ?? [], new JsonMergeSettings { MergeArrayHandling = MergeArrayHandling.Replace });
            tree[options.Method] = all;
        }

        return tree;
    }

    /// <summary>The same as names with dots and texts; "-" for no value.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Flat(ExperimentOptions options)
    {
        var flat = new List<KeyValuePair<string, string>>();
        Flatten("", Tree(options), flat);
        return flat;
    }

    /// <summary>Journals write a method's options in camel case.</summary>
    private static JToken Renamed(JToken token) =>
        token switch
        {
            JObject section => new JObject(
                section
                    .Properties()
                    .Select(one => new JProperty(Names.GetPropertyName(one.Name, hasSpecifiedName: false), Renamed(one.Value)))
            ),
            _ => token,
        };

    private static void Flatten(string prefix, JToken token, List<KeyValuePair<string, string>> flat)
    {
        switch (token)
        {
            case JObject entries:
                foreach (var (name, entry) in entries)
                {
                    Flatten(prefix.Length == 0 ? name : $"{prefix}.{name}", entry!, flat);
                }

                break;
            case JArray list when list.All(item => item is JObject):
                foreach (var item in list)
                {
                    Flatten($"{prefix}.{item["name"]}", item, flat);
                }

                break;
            default:
                flat.Add(
                    new(
                        prefix,
                        token switch
                        {
                            { Type: JTokenType.Null } => "-",
                            { Type: JTokenType.Boolean } => (bool)token ? "true" : "false",
                            JValue value => Convert.ToString(value.Value, CultureInfo.InvariantCulture)!,
                            _ => token.ToString(Formatting.None),
                        }
                    )
                );
                break;
        }
    }
}
