using System.Collections.Concurrent;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Judging;

/// <summary>
/// Replies of judges by <see cref="JudgeIdentity.KeyOf"/>, in JSON-lines files of one folder. Every reply is written as it comes, so that a
/// judge that is killed asks nothing twice; a line that a kill cut off, or that is not UTF-8, is passed over. Safe for several threads;
/// several processes write to files of their own.
/// </summary>
public sealed class JudgementCache : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ConcurrentDictionary<string, JudgeReply> replies = new(StringComparer.Ordinal);
    private readonly Lock writing = new();
    private readonly string path;
    private StreamWriter? writer;

    /// <summary>Reads what is there.</summary>
    /// <param name="folder">Need not exist.</param>
    /// <param name="writer">Name of this process's file in it.</param>
    /// <exception cref="CoinException">A file cannot be read.</exception>
    public JudgementCache(string folder, string writer)
    {
        path = Path.Combine(folder, writer + ".jsonl");
        try
        {
            foreach (
                var line in Directory.Exists(folder)
                    ? Directory.EnumerateFiles(folder, "*.jsonl").Order(StringComparer.Ordinal).SelectMany(Lines)
                    : []
            )
            {
                if (Parse(line) is var (key, reply))
                {
                    replies[key] = reply;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"Cannot read the kept replies of judges in {folder}: {e.Message} Make them readable, or delete them to ask again.",
                e
            );
        }
    }

    /// <summary>The reply kept under a key, or null.</summary>
    public JudgeReply? Find(string key) => replies.GetValueOrDefault(key);

    /// <summary>Keeps a reply.</summary>
    /// <exception cref="CoinException">The file cannot be written.</exception>
    public void Keep(string key, JudgeReply reply)
    {
        if (!replies.TryAdd(key, reply))
        {
            return;
        }

        lock (writing)
        {
            try
            {
                writer ??= Open();
                var finish = reply.Finish is null ? "" : $",\"finish\":{JsonConvert.ToString(reply.Finish)}";
                writer.Write($"{{\"key\":\"{key}\",\"reply\":{JsonConvert.ToString(reply.Text)}{finish}}}\n");
                writer.Flush();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new CoinException(
                    $"Cannot write {path}: {e.Message} Free space on the disk or make the folder writable, then resume the run.",
                    e
                );
            }
        }
    }

    public void Dispose() => writer?.Dispose();

    private StreamWriter Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);

        // After a line that was cut off a new one begins.
        var whole = !File.Exists(path) || new FileInfo(path).Length == 0 || EndsWithLineFeed();
        var file = new StreamWriter(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read), Utf8);
        if (!whole)
        {
            file.Write('\n');
        }

        return file;
    }

    private bool EndsWithLineFeed()
    {
        using var file = File.OpenRead(path);
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }

    /// <summary>Lines one by one, so that bytes which are no text cost their own line only.</summary>
    private static IEnumerable<string> Lines(string file)
    {
        // Latin-1 has a character for every byte.
        foreach (var bytes in File.ReadLines(file, Encoding.Latin1))
        {
            string? line = null;
            try
            {
                line = Strict.GetString(Encoding.Latin1.GetBytes(bytes));
            }
            catch (DecoderFallbackException)
            {
                continue;
            }

            yield return line;
        }
    }

    private static (string Key, JudgeReply Reply)? Parse(string line)
    {
        try
        {
            using var reader = new JsonTextReader(new StringReader(line)) { DateParseHandling = DateParseHandling.None };
            return JToken.ReadFrom(reader) is JObject entry && (string?)entry["key"] is { } key && (string?)entry["reply"] is { } reply
                ? (key, new JudgeReply(reply, (string?)entry["finish"]))
                : null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            return null;
        }
    }
}
