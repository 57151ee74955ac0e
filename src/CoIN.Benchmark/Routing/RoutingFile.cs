using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Routing;

/// <summary>
/// Whom experts served while a cell, or a shard of one, was answered, as JSON: for each layer and linear map the positions, the sums of
/// routing weights, and, for people, the means. Sums of shards add up to the cell's.
/// </summary>
public static class RoutingFile
{
    private const int Version = 1;

    /// <summary>Where a file of predictions has its routing.</summary>
    public static string Beside(string predictions) => Path.ChangeExtension(predictions, ".routing.json");

    /// <summary>Writes the file whole, replacing one that is there; takes one away where there is nothing to write.</summary>
    public static void Write(string path, ExpertRouting? routing)
    {
        if (routing is null)
        {
            if (File.Exists(path))
            {
                File.Delete(path);
            }

            return;
        }

        Durable.WriteText(
            path,
            new JObject
            {
                ["version"] = Version,
                ["means"] = new JArray(routing.Means),
                ["layers"] = new JArray(
                    routing.Layers.Select(layer => new JObject
                    {
                        ["means"] = new JArray(layer.Means),
                        ["linears"] = new JArray(
                            layer.Linears.Select(linear => new JObject
                            {
                                ["name"] = linear.Name,
                                ["positions"] = linear.Positions,
                                ["weights"] = new JArray(linear.Weights),
                            })
                        ),
                    })
                ),
            }.ToString(Formatting.None) + "\n"
        );
    }

    /// <summary>The sum of several files; null where one of them is not there: a part would pass for the whole.</summary>
    /// <exception cref="CoinException">A file cannot be read, or they are of different adapters.</exception>
    public static ExpertRouting? Sum(IEnumerable<string> paths)
    {
        ExpertRouting? sum = null;
        foreach (var path in paths)
        {
            if (Read(path) is not { } one)
            {
                return null;
            }

            sum = sum?.Add(one) ?? one;
        }

        return sum;
    }

    /// <summary>Reads a file; null where there is none.</summary>
    /// <exception cref="CoinException">It is damaged.</exception>
    public static ExpertRouting? Read(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var json = JObject.Parse(Utf8Text.Read(path));
            if ((int?)json["version"] != Version)
            {
                throw new CoinException(
                    $"{path} has version {json["version"]}; this program reads {Version}. Use the program that wrote it."
                );
            }

            return new ExpertRouting([
                .. json["layers"]!.Select(layer => new RoutingLayer([
                    .. layer["linears"]!.Select(linear => new RoutingShare(
                        (string)linear["name"]!,
                        (double)linear["positions"]!,
                        [.. linear["weights"]!.Select(weight => (double)weight)]
                    )),
                ])),
            ]);
        }
        catch (Exception e)
            when (e
                    is IOException
                        or JsonException
                        or ArgumentException
                        or NullReferenceException
                        or InvalidCastException
                        or InvalidOperationException
                        or FormatException
            )
        {
            throw new CoinException(
                $"Cannot read the routing weights {path}: {e.Message} Delete the file to do without them, or evaluate the task again.",
                e
            );
        }
    }
}
