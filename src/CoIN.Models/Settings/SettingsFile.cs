using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Checkpoints;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Settings;

/// <summary>Reads the JSON files of models and adapters.</summary>
internal static class SettingsFile
{
    /// <summary>Reads a file of JSON, e.g. a folder's <c>config.json</c>.</summary>
    /// <exception cref="CoinException">The file is missing or not JSON.</exception>
    public static JObject Json(string path)
    {
        try
        {
            return JObject.Parse(Utf8Text.Read(path));
        }
        catch (JsonException e)
        {
            Misdelivered.ThrowIfOne(path, binary: false);
            throw new CoinException($"{path} is not valid JSON: {e.Message} Restore it from the checkpoint's source.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. A model's folder must be a Hugging Face folder.", e);
        }
    }

    /// <summary>Reads values out of a file; one of a wrong kind is the file's fault.</summary>
    public static T Values<T>(string path, Func<string, JObject, T> read)
    {
        try
        {
            return read(path, Json(path));
        }
        catch (Exception e) when (e is InvalidCastException or ArgumentException or FormatException or OverflowException)
        {
            throw new CoinException(
                $"{path} has a value of a wrong kind: {e.Message.TrimEnd('.')}. Restore it from the checkpoint's source.",
                e
            );
        }
    }

    /// <summary>
    /// Reads the settings of a model's <c>config.json</c>: what is told apart from them is that the weights are quantized.
    /// </summary>
    /// <exception cref="CoinException">
    /// The file cannot be read, or something in it is not supported; the message names every key.
    /// </exception>
    public static T Read<T>(string path, Func<JsonSettings, T> read)
    {
        var json = Json(path);
        if (Quantization.Of(json) is { } quantized)
        {
            throw new CoinException($"{path}: {quantized}");
        }

        var settings = new JsonSettings(path, json);
        var value = read(settings);
        settings.ThrowIfFaulty();
        return value;
    }

    /// <summary>Throws unless a value is one that is supported.</summary>
    public static void Require(bool condition, string path, string key, string value, string supported)
    {
        if (!condition)
        {
            throw new CoinException($"{path}: {key} is {value}; supported is {supported}.");
        }
    }
}
