using CoIN.Benchmark.Data;
using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Building;

/// <summary>
/// Reads the JSON files of raw data sets entry by entry, and of each entry only the fields that are asked for: some have a million entries
/// and hundreds of megabytes, most of them unused.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="stop">Ends the reading between entries.</param>
internal sealed class RawJson(string path, CancellationToken stop)
{
    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>The entries of a file that is one object, whose keys are the entries' ids.</summary>
    /// <param name="kind">What messages call an entry, e.g. <c>question</c>.</param>
    /// <param name="fields">The fields to read of each.</param>
    public IEnumerable<(string Id, RawEntry Entry)> Dictionary(string kind, params string[] fields)
    {
        using var json = Open();
        Begin(json, JsonToken.StartObject, "an object {\"id\": {…}, …}");
        while (NextProperty(json) is { } id)
        {
            stop.ThrowIfCancellationRequested();
            yield return (id, Entry(json, $"{kind} {id}", null, fields));
        }

        End(json);
    }

    /// <summary>The entries of a file that is one list of objects.</summary>
    /// <param name="kind">What messages call an entry.</param>
    /// <param name="id">The field by which messages name an entry.</param>
    /// <param name="fields">The further fields to read of each.</param>
    public IEnumerable<RawEntry> List(string kind, string id, params string[] fields)
    {
        using var json = Open();
        Begin(json, JsonToken.StartArray, "a list [{…}, …]");
        foreach (var entry in Items(json, kind, id, fields))
        {
            yield return entry;
        }

        End(json);
    }

    /// <summary>The entries of lists that stand under names in the file's one object, in the order of the file.</summary>
    /// <param name="header">Is told the plain values that stand beside the lists, by which one can tell the file's version.</param>
    /// <param name="lists">
    /// Names of the lists, each with what messages call an entry, its id's field and the further fields to read.
    /// </param>
    public IEnumerable<(string List, RawEntry Entry)> Lists(
        Action<string, JToken>? header,
        params (string Name, string Kind, string Id, string[] Fields)[] lists
    )
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        using var json = Open();
        Begin(json, JsonToken.StartObject, "an object {…}");
        while (NextProperty(json) is { } name)
        {
            Read(json);
            if (lists.FirstOrDefault(list => list.Name == name) is { Name: not null } wanted)
            {
                if (json.TokenType != JsonToken.StartArray)
                {
                    throw Broken(json, $"\"{name}\" is no list");
                }

                found.Add(name);
                foreach (var entry in Items(json, wanted.Kind, wanted.Id, wanted.Fields))
                {
                    yield return (name, entry);
                }
            }
            else if (json.TokenType is JsonToken.StartArray or JsonToken.StartObject)
            {
                Guarded(json, json.Skip);
            }
            else
            {
                header?.Invoke(name, JToken.ReadFrom(json));
            }
        }

        End(json);
        if (lists.FirstOrDefault(list => !found.Contains(list.Name)) is { Name: not null } missing)
        {
            throw Wrong($"it has no list \"{missing.Name}\"");
        }
    }

    /// <summary>Lists of ids that stand under names in the file's one object, in the order of the names.</summary>
    public IReadOnlyList<(string Name, IReadOnlyList<string> Ids)> TextLists(params string[] names)
    {
        var lists = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        using var json = Open();
        Begin(json, JsonToken.StartObject, "an object {…}");
        while (NextProperty(json) is { } name)
        {
            Read(json);
            if (!names.Contains(name))
            {
                Guarded(json, json.Skip);
                continue;
            }

            JToken? value = null;
            Guarded(json, () => value = JToken.ReadFrom(json));
            lists[name] =
                value is JArray list && list.All(item => item.Type is JTokenType.String or JTokenType.Integer)
                    ? [.. list.Select(item => item.ToString())]
                    : throw Broken(json, $"\"{name}\" is no list of ids");
        }

        End(json);
        return [.. names.Select(name => (name, lists.TryGetValue(name, out var list) ? list : throw Wrong($"it has no list \"{name}\"")))];
    }

    /// <summary>An error about the file as a whole.</summary>
    public CoinException Wrong(string fault) =>
        new($"{path}: {fault}. It is another file, or another version of it, than the one that is wanted; put the right one there.");

    private IEnumerable<RawEntry> Items(JsonTextReader json, string kind, string id, string[] fields)
    {
        for (var number = 1; ; number++)
        {
            stop.ThrowIfCancellationRequested();
            Read(json);
            switch (json.TokenType)
            {
                case JsonToken.EndArray:
                    yield break;
                case JsonToken.StartObject:
                    yield return Fields(json, $"{kind} number {number}", (kind, id), fields);
                    break;
                default:
                    throw Broken(json, $"item {number} of a list is no object");
            }
        }
    }

    private RawEntry Entry(JsonTextReader json, string name, (string, string)? id, string[] fields)
    {
        Read(json);
        return json.TokenType == JsonToken.StartObject ? Fields(json, name, id, fields) : throw Broken(json, $"{name} is no object");
    }

    /// <summary>Reads an object's wanted fields; the reader stands on its beginning, and then on its end.</summary>
    private RawEntry Fields(JsonTextReader json, string name, (string Kind, string Key)? id, string[] fields)
    {
        var line = json.LineNumber;
        var read = new JObject();
        while (NextProperty(json) is { } key)
        {
            Read(json);
            if (key == id?.Key || fields.Contains(key))
            {
                Guarded(json, () => read[key] = JToken.ReadFrom(json));
            }
            else
            {
                Guarded(json, json.Skip);
            }
        }

        return new RawEntry(
            path,
            line,
            id is { } named && read[named.Key] is JValue { Value: not null } value ? $"{named.Kind} {value}" : name,
            read
        );
    }

    private JsonTextReader Open()
    {
        try
        {
            return new JsonTextReader(Utf8Text.Open(path))
            {
                DateParseHandling = DateParseHandling.None,
                PropertyNameTable = new DefaultJsonNameTable(),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. Make it a readable file.", e);
        }
    }

    private void Begin(JsonTextReader json, JsonToken wanted, string form)
    {
        Read(json);
        if (json.TokenType != wanted)
        {
            throw Wrong($"it is not {form}");
        }
    }

    private void End(JsonTextReader json) => Guarded(json, () =>
        {
            if (json.Read())
            {
                throw Broken(json, "there is more text after the end");
            }
        });

    private string? NextProperty(JsonTextReader json)
    {
        Read(json);
        return json.TokenType == JsonToken.PropertyName ? (string)json.Value! : null;
    }

    private void Read(JsonTextReader json) => Guarded(json, () =>
        {
            if (!json.Read())
            {
                throw Broken(json, "the file ends too soon; it was probably cut off");
            }
        });

    private void Guarded(JsonTextReader json, Action read)
    {
        try
        {
            read();
        }
        catch (JsonReaderException e)
        {
            throw Broken(json, e.Message.TrimEnd('.'), e);
        }
        catch (IOException e)
        {
            throw new CoinException($"Cannot read {path}: {ReadFault.Why(path, e)}. Make it a readable file.", e);
        }
    }

    private CoinException Broken(JsonTextReader json, string fault, Exception? inner = null) =>
        new($"{path}, line {json.LineNumber}: {fault}. Copy the file again from the data set's source.", inner);
}
