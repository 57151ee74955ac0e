using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Learning;
using CoIN.Models.Checkpoints;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>
/// What a method keeps from step to step and from stage to stage: tensors, and a few values beside them. It lies in checkpoints and beside
/// adapters, and comes back to the bit.
/// </summary>
internal sealed class MethodState : IDisposable
{
    private const int Version = 1;

    public NamedTensors Tensors { get; } = new();

    /// <summary>Numbers, texts and lists: nothing large.</summary>
    public JObject Values { get; private set; } = [];

    /// <summary>Number of the stage whose end is in the state; null amid a stage.</summary>
    public int? Ended { get; set; }

    /// <summary>The method whose state a folder holds; null where it holds none.</summary>
    /// <exception cref="CoinException">There is one, and it cannot be read.</exception>
    public static string? MethodIn(string folder)
    {
        var path = Path.Combine(folder, AdapterFiles.MethodValues);
        return File.Exists(path) ? (string)Description(path)["Method"]! : null;
    }

    /// <summary>Writes the state into a folder, flushed to disk.</summary>
    /// <param name="method">The method's key.</param>
    public void Write(string folder, string method)
    {
        if (Tensors.Count > 0)
        {
            SafetensorsWriter.Write(
                Path.Combine(folder, AdapterFiles.MethodTensors),
                Tensors.ToDictionary(pair => pair.Key, pair => pair.Value)
            );
        }

        var json = new JObject
        {
            ["Version"] = Version,
            ["Method"] = method,
            ["Tensors"] = Tensors.Count,
            ["Values"] = Values,
        };
        if (Ended is { } stage)
        {
            json["Ended"] = stage;
        }

        Durable.WriteText(Path.Combine(folder, AdapterFiles.MethodValues), json.ToString(Formatting.Indented) + "\n");
    }

    /// <summary>Takes a folder's state in the place of its own.</summary>
    /// <exception cref="CoinException">A file is missing or damaged.</exception>
    public void Read(string folder, Device device)
    {
        var path = Path.Combine(folder, AdapterFiles.MethodValues);
        var json = Description(path);
        Tensors.Clear();
        Values = (JObject)json["Values"]!;
        Ended = (int?)json["Ended"];
        if ((int)json["Tensors"]! == 0)
        {
            return;
        }

        using var file = new SafetensorsFile(Path.Combine(folder, AdapterFiles.MethodTensors));
        if (file.Entries.Count != (int)json["Tensors"]!)
        {
            throw new CoinException(
                $"{file.Path} has {file.Entries.Count} tensors where {path} says {json["Tensors"]}. Restore the folder from a copy."
            );
        }

        foreach (var name in file.Names)
        {
            using var read = file.Read(name);
            using var here = read.to(device);
            Tensors[name] = here;
        }
    }

    public void Dispose() => Tensors.Dispose();

    private static JObject Description(string path)
    {
        try
        {
            // Texts that look like times stay texts.
            using var reader = new JsonTextReader(new StringReader(Utf8Text.Read(path))) { DateParseHandling = DateParseHandling.None };
            var json = JObject.Load(reader);
            if ((int?)json["Version"] != Version)
            {
                throw new CoinException(
                    $"{path} has version {json["Version"]}; this program reads {Version}. Use the program that wrote it."
                );
            }

            return json["Method"]?.Type == JTokenType.String && json["Tensors"]?.Type == JTokenType.Integer && json["Values"] is JObject
                ? json
                : throw new JsonException("\"Method\", \"Tensors\" or \"Values\" is missing.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CoinException($"Cannot read the method's state {path}: {e.Message} Restore the folder from a copy.", e);
        }
    }
}
