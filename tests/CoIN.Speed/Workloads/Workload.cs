using CoIN.Models.Sequences;
using Newtonsoft.Json;
using Newtonsoft.Json.Serialization;

namespace CoIN.Speed.Workloads;

/// <summary>A training sample: its words for the product, which tokenizes them, and the ids that come of it for the peer.</summary>
internal sealed record TrainingRow(int Picture, string Question, string Answer, IReadOnlyList<int> Ids, IReadOnlyList<int> Labels);

/// <summary>A test question.</summary>
/// <param name="Ids">The prompt, <see cref="SequenceBatch.ImagePlaceholder"/> where its picture stands.</param>
/// <param name="Answer">Tokens after which the answer ends, on both sides alike.</param>
internal sealed record QuestionRow(int Picture, IReadOnlyList<int> Ids, int Answer);

/// <summary>The questions of a task.</summary>
/// <param name="MaxNewTokens">
/// Longest answer that the task allows: what an engine has to expect, since it cannot know where an answer ends.
/// </param>
internal sealed record QuestionSet(string Name, double QuestionsPerPicture, int MaxNewTokens, IReadOnlyList<QuestionRow> Samples);

/// <summary>Everything that both sides of a comparison do, drawn by a seed.</summary>
internal sealed record Workload
{
    public required string Family { get; init; }

    public required int Threads { get; init; }

    /// <summary>Where both sides compute.</summary>
    public string Device { get; init; } = "cpu";

    public required string Dtype { get; init; }

    public required int Seed { get; init; }

    public required int ImageTokens { get; init; }

    public required int ImageTokenId { get; init; }

    public required int ImageSize { get; init; }

    /// <summary>Pictures in <c>pixels.bin</c>: float32, normalized, [pictures, 3, size, size].</summary>
    public required int Pictures { get; init; }

    public required int LoraRank { get; init; }

    public required double LoraAlpha { get; init; }

    /// <summary>Linear maps that are adapted; null for all.</summary>
    public required IReadOnlyList<string>? LoraTargets { get; init; }

    public required double LoraDropout { get; init; }

    public bool GradientCheckpointing { get; init; }

    public required double LearningRate { get; init; }

    /// <summary>Samples per training step.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Prompts per batch of the product's evaluation.</summary>
    public required int EvaluationBatchSize { get; init; }

    public required IReadOnlyList<TrainingRow> Training { get; init; }

    public required IReadOnlyList<QuestionSet> Evaluation { get; init; }

    private static JsonSerializerSettings Json => new() { ContractResolver = new CamelCasePropertyNamesContractResolver() };

    /// <summary>Positions of all training samples, pictures expanded.</summary>
    [JsonIgnore]
    public long TrainingTokens => Training.Sum(row => (long)Expanded(row.Ids));

    /// <summary>Positions of a sequence, pictures expanded.</summary>
    public int Expanded(IReadOnlyList<int> ids) => ids.Count + (ids.Count(id => id == SequenceBatch.ImagePlaceholder) * (ImageTokens - 1));

    public static string FileOf(string folder) => Path.Combine(folder, "workload.json");

    public static string PixelsOf(string folder) => Path.Combine(folder, "pixels.bin");

    public static string ModelOf(string folder) => Path.Combine(folder, "model");

    public static Workload Read(string folder) => JsonConvert.DeserializeObject<Workload>(File.ReadAllText(FileOf(folder)), Json)!;

    public void Write(string folder) => File.WriteAllText(FileOf(folder), JsonConvert.SerializeObject(this, Json));
}
