using CoIN.Benchmark.Files;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace CoIN.Benchmark.Data.Reading;

/// <summary>
/// Reads a file that holds a JSON list of samples, one sample at a time: the files of the benchmark have 100 MB and more. A byte-order
/// mark, comments and any layout of the list are accepted.
/// </summary>
internal sealed class SampleFileReader : IDisposable
{
    private readonly string path;
    private readonly string[] idKeys;
    private readonly Stream stream;
    private readonly JsonTextReader json;
    private readonly SharedTexts texts = new();
    private int number;
    private bool begun;
    private bool ended;

    private SampleFileReader(string path, string[] idKeys, Stream stream)
    {
        this.path = path;
        this.idKeys = idKeys;
        this.stream = stream;
        json = new JsonTextReader(new StreamReader(stream))
        {
            DateParseHandling = DateParseHandling.None,
            PropertyNameTable = new DefaultJsonNameTable(),
        };
    }

    /// <summary>How much of the file was read, 0 to 1.</summary>
    public double Part => stream.Length == 0 ? 1 : (double)stream.Position / stream.Length;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="idKeys">Names under which a sample's id may stand; the first one that is there counts.</param>
    /// <exception cref="CoinException">It is missing or may not be read; the message names the samples files that are there.</exception>
    public static SampleFileReader Open(string path, params string[] idKeys)
    {
        try
        {
            return new SampleFileReader(path, idKeys, Utf8Text.OpenBytes(path));
        }
        catch (DirectoryNotFoundException e)
        {
            throw new CoinException(
                $"The samples file {path} does not exist: there is no folder {Path.GetDirectoryName(path)}. "
                    + "Correct data.instructions or the task's folder, or put the data there.",
                e
            );
        }
        catch (FileNotFoundException e)
        {
            throw new CoinException(
                $"The samples file {path} does not exist.{SampleFiles.CandidatesSentence(path)} Correct the task's file name, or put the data there.",
                e
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(e, path);
        }
    }

    /// <summary>The next sample, or null after the last one.</summary>
    /// <exception cref="CoinException">The file is no JSON list of objects, or cannot be read any further.</exception>
    public SampleEntry? Next()
    {
        if (ended)
        {
            return null;
        }

        try
        {
            if (!begun)
            {
                begun = true;
                if (!NextToken() || json.TokenType != JsonToken.StartArray)
                {
                    throw Broken(json.LineNumber, "the file does not begin with \"[\"", null);
                }
            }

            return NextEntry();
        }
        catch (JsonReaderException e)
        {
            throw Broken(e.LineNumber, e.Message.TrimEnd('.'), e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(e, path);
        }
    }

    public void Dispose() => json.Close();

    private SampleEntry? NextEntry()
    {
        if (!NextToken())
        {
            throw Broken(json.LineNumber, $"the file ends after {number} samples without \"]\"; it was probably cut off", null);
        }

        number++;
        switch (json.TokenType)
        {
            case JsonToken.StartObject:
                var line = json.LineNumber;
                return new SampleEntry(path, line, number, JObject.Load(json), texts, idKeys);
            case JsonToken.EndArray:
                ended = true;
                return NextToken() ? throw Broken(json.LineNumber, "there is more text after the end of the list", null) : null;
            default:
                throw Broken(json.LineNumber, $"item {number} of the list is no object", null);
        }
    }

    private bool NextToken()
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

    private CoinException Broken(int line, string fault, Exception? inner) =>
        new(
            $"{path}, line {line}: {fault}. A samples file is a JSON list of objects, [{{…}}, …]; mend it or copy it again from its source.",
            inner
        );

    private static CoinException Unreadable(Exception e, string path) =>
        new($"Cannot read the samples file {path}: {ReadFault.Why(path, e)}. Make it a readable file.", e);
}
