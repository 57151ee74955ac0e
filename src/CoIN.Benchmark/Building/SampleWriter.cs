using System.Text;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Instructions;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Building;

/// <summary>
/// Writes samples in the published form: a JSON list with one sample per line, UTF-8 without byte-order mark, lines ended by LF, nothing
/// that depends on the machine.
/// </summary>
internal sealed class SampleWriter(TaskBuilder builder, BuildOptions options)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>
    /// Writes a <c>train.json</c>. The first turn of a conversation has image tag and instruction, as in LLaVA's own training data.
    /// </summary>
    public void Write(Stream stream, IEnumerable<RawTraining> samples) => WriteList(stream, samples, (json, sample) =>
        {
            Property(json, "id", sample.Id);
            WriteImage(json, sample.Image);
            json.WritePropertyName("conversations");
            json.WriteStartArray();
            foreach (var (index, turn) in sample.Turns.Index())
            {
                var question = index == 0 ? (sample.Image is null ? "" : "<image>\n") + Ask(sample.Id, turn.Question) : turn.Question;
                WriteTurn(json, "human", question);
                WriteTurn(json, "gpt", turn.Answer);
            }

            json.WriteEndArray();
            if (sample.UnpaddedBox is { } box)
            {
                Property(json, "origin_answer_bbox", box);
            }
        });

    /// <summary>Writes a <c>test.json</c> or <c>val.json</c>.</summary>
    public void Write(Stream stream, IEnumerable<RawTest> samples) => WriteList(stream, samples, (json, sample) =>
        {
            Property(json, "question_id", sample.Id);
            WriteImage(json, sample.Image);
            Property(json, "text", Ask(sample.Id, sample.Question));
            if (sample.AnswersOnly)
            {
                WriteTexts(json, "answer", sample.Answers!);
                return;
            }

            Property(json, "answer", sample.Answer);
            if (sample.Answers is { } answers)
            {
                WriteTexts(json, "answers", answers);
            }

            if (sample.Box is { } box)
            {
                Property(json, "answer_bbox", sample.Answer);
                Property(json, "origin_answer_bbox", box.Unpadded);
                json.WritePropertyName("size");
                json.WriteStartArray();
                json.WriteValue(box.Width);
                json.WriteValue(box.Height);
                json.WriteEndArray();
            }
        });

    private string Ask(string id, string question) =>
        builder.Ask(question, TaskInstructions.Draw(options.Instructions, builder.Task, id, options.Seed));

    private static void WriteList<T>(Stream stream, IEnumerable<T> samples, Action<JsonTextWriter, T> write)
    {
        using var text = new StreamWriter(stream, Utf8, 1 << 16, leaveOpen: true) { NewLine = "\n" };
        text.Write("[\n");
        foreach (var (index, sample) in samples.Index())
        {
            text.Write(index == 0 ? "" : ",\n");
            using var json = new JsonTextWriter(text) { CloseOutput = false, AutoCompleteOnClose = false };
            json.WriteStartObject();
            write(json, sample);
            json.WriteEndObject();
        }

        text.Write("\n]\n");
    }

    private static void WriteImage(JsonTextWriter json, string? image)
    {
        if (image is not null)
        {
            Property(json, "image", "./" + image);
        }
    }

    private static void WriteTurn(JsonTextWriter json, string from, string value)
    {
        json.WriteStartObject();
        Property(json, "from", from);
        Property(json, "value", value);
        json.WriteEndObject();
    }

    private static void WriteTexts(JsonTextWriter json, string name, IReadOnlyList<string> texts)
    {
        json.WritePropertyName(name);
        json.WriteStartArray();
        foreach (var text in texts)
        {
            json.WriteValue(text);
        }

        json.WriteEndArray();
    }

    private static void Property(JsonTextWriter json, string name, string value)
    {
        json.WritePropertyName(name);
        json.WriteValue(value);
    }
}
