using Akka.Configuration;
using Akka.Configuration.Hocon;
using CoIN.Benchmark;
using CoIN.Benchmark.Files;

namespace CoIN.Configuration;

/// <summary>Reads HOCON files and what they include into trees that remember where each value was written.</summary>
internal static class HoconFile
{
    private const int DeepestInclude = 20;

    /// <summary>Reads a file.</summary>
    /// <exception cref="CoinException">It or an included file is missing or not HOCON; the message names file, line and remedy.</exception>
    public static ObjectSetting Read(string path) => Read(Path.GetFullPath(path), includedBy: null, depth: 0);

    /// <summary>Reads a text that includes nothing.</summary>
    public static ObjectSetting ReadText(string text, Origin origin) =>
        HoconStructure
            .Split(text, origin.Name)
            .Select(part =>
                part.Include is null
                    ? Parse(part, origin)
                    : throw new CoinException($"{origin.Name}, line {part.Line}: nothing can be included here.")
            )
            .Aggregate(ObjectSetting.Empty(origin), (earlier, later) => earlier.OverlaidWith(later));

    private static ObjectSetting Read(string path, (string File, int Line)? includedBy, int depth)
    {
        var origin = new Origin(path, Path.GetDirectoryName(path));
        var result = ObjectSetting.Empty(origin);
        foreach (var part in HoconStructure.Split(ReadText(path, includedBy), path))
        {
            if (part.Include is null)
            {
                result = result.OverlaidWith(Parse(part, origin));
                continue;
            }

            if (depth == DeepestInclude)
            {
                throw new CoinException(
                    $"{path}, line {part.Line}: includes are nested more than {DeepestInclude} deep; "
                        + $"most likely {part.Include} includes itself. Remove one of the includes."
                );
            }

            var included = Path.GetFullPath(Path.Combine(origin.Folder!, part.Include));
            result = result.OverlaidWith(Read(included, (path, part.Line), depth + 1));
        }

        return result;
    }

    private static string ReadText(string path, (string File, int Line)? includedBy)
    {
        var reference = includedBy is { } by ? $" (included by {by.File}, line {by.Line})" : "";
        try
        {
            return Utf8Text.Read(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CoinException(
                $"Configuration file {path}{reference} does not exist. Correct its name"
                    + (includedBy is null ? "; relative names refer to the current folder." : "; it is relative to the including file."),
                e
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Configuration file {path}{reference} cannot be read: {ReadFault.Why(path, e)}. Name a HOCON file.",
                e
            );
        }
    }

    private static ObjectSetting Parse(HoconPart part, Origin origin)
    {
        try
        {
            var root = ConfigurationFactory.ParseString(part.Text).Root;
            return root is null || root.IsEmpty ? ObjectSetting.Empty(origin) : Convert(root.GetObject(), origin);
        }
        catch (Exception e) when (e is FormatException or ConfigurationException)
        {
            var why = e.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.');
            throw new CoinException($"{origin.Name}: not HOCON: {why}. Put values with ':', '=', ',' or '$' in quotation marks.", e);
        }
    }

    private static ObjectSetting Convert(HoconObject from, Origin origin)
    {
        var items = new OrderedDictionary<string, Setting>();
        foreach (var (key, value) in from.Items)
        {
            // Akka's parser reads a key without '=' together with the next line.
            if (key.Contains('\n', StringComparison.Ordinal))
            {
                throw new CoinException(
                    $"{origin.Name}: '{key.Split('\n')[0].Trim()}' has no value. Write {key.Split('\n')[0].Trim()} = … ."
                );
            }

            items[key] = Convert(key, value, origin);
        }

        return new ObjectSetting(items, origin);
    }

    private static Setting Convert(string key, HoconValue value, Origin origin)
    {
        if (value.IsObject())
        {
            return Convert(value.GetObject(), origin);
        }

        if (value.IsArray())
        {
            var items = value.GetArray().Where(item => !item.IsEmpty).ToList();
            return items.Exists(item => item.IsArray())
                ? new ListsSetting([.. items.Select(item => Convert(key, item, origin))], origin)
                : new ListSetting([.. items.Select(item => Item(key, item, origin))], origin);
        }

        if (value.IsEmpty)
        {
            throw new CoinException($"{origin.Name}: something before or at '{key}' has no value. Write key = value on one line.");
        }

        var text = value.GetString();
        return new ScalarSetting(string.IsNullOrEmpty(text) ? null : text, origin);
    }

    private static string Item(string key, HoconValue item, Origin origin) =>
        item.IsString()
            ? item.GetString()
            : throw new CoinException($"{origin.Name}: the list '{key}' may hold only names and numbers, not objects.");
}
