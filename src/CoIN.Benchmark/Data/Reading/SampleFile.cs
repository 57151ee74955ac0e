using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Data.Reading;

/// <summary>A JSON file which holds a list of samples; read sample by sample, since the files of the benchmark have 100 MB and more.</summary>
internal static class SampleFile
{
    /// <summary>Reads all samples in file order.</summary>
    /// <param name="path">The file.</param>
    /// <param name="idKeys">Names under which a sample's id may stand.</param>
    /// <param name="read">Makes a sample of its entry.</param>
    /// <exception cref="CoinException">The file is missing, is no JSON list of objects, or holds no sample.</exception>
    public static IReadOnlyList<T> Read<T>(string path, string[] idKeys, Func<SampleEntry, T> read)
    {
        try
        {
            using var text = new StreamReader(path);
            using var json = new JsonTextReader(text) { DateParseHandling = DateParseHandling.None };
            var samples = Entries(path, json, idKeys).Select(read).ToList();
            return samples.Count > 0
                ? samples
                : throw new CoinException($"{path} holds no samples. Copy the data set's file there again.");
        }
        catch (JsonReaderException e)
        {
            throw Broken(path, e.LineNumber, e.Message.TrimEnd('.'), e);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new CoinException(
                $"The samples file {path} does not exist: there is no folder {Path.GetDirectoryName(path)}. "
                + "Correct data.instructions or the task's folder, or put the data there.", e);
        }
        catch (FileNotFoundException e)
        {
            throw new CoinException($"The samples file {path} does not exist. Correct the task's file name, or put the data there.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read the samples file {path}: {e.Message.TrimEnd('.')}. Make it a readable file.", e);
        }
    }

    private static IEnumerable<SampleEntry> Entries(string path, JsonTextReader json, string[] idKeys)
    {
        if (!NextToken(json) || json.TokenType != JsonToken.StartArray)
        {
            throw Broken(path, json.LineNumber, "the file does not begin with \"[\"", null);
        }

        var number = 0;
        while (NextToken(json))
        {
            number++;
            switch (json.TokenType)
            {
                case JsonToken.StartObject:
                    var line = json.LineNumber;
                    yield return new SampleEntry(path, line, number, JObject.Load(json), idKeys);
                    break;
                case JsonToken.EndArray:
                    if (NextToken(json))
                    {
                        throw Broken(path, json.LineNumber, "there is more text after the end of the list", null);
                    }

                    yield break;
                default:
                    throw Broken(path, json.LineNumber, $"item {number} of the list is no object", null);
            }
        }

        throw Broken(path, json.LineNumber, $"the file ends after {number} samples without \"]\"; it was probably cut off", null);
    }

    private static bool NextToken(JsonTextReader json)
    {
        while (json.Read())
        {
            if (json.TokenType != JsonToken.Comment)
            {
                return true;
            }
        }

        return false;
    }

    private static CoinException Broken(string path, int line, string fault, Exception? inner) => new(
        $"{path}, line {line}: {fault}. A samples file is a JSON list of objects, [{{…}}, …]; mend it or copy it again from its source.", inner);
}
