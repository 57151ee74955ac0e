using System.Runtime.InteropServices;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Learning;
using CoIN.Models.Sequences;
using CoIN.Models.Tokenization;
using CoIN.Models.Torch;
using CoIN.Speed.Sides;

namespace CoIN.Speed.Workloads;

/// <summary>
/// Draws a workload in CoIN's shapes into a folder: a model with random weights, pictures, training samples and test questions.
/// </summary>
internal sealed class WorkloadWriter(CompareOptions options, int imageTokens)
{
    /// <summary>vicuna_v1's system text and the user's turn in LLaMA's tokens: they stand in front of every prompt.</summary>
    private const int SystemTokens = 38;

    private static readonly IReadOnlyList<TaskShape> Shapes =
    [
        // Lengths in LLaMA tokens of the question with its instruction and of the answer with its end. Estimates: of CoIN's instructions
        // and of answers typical of each data set, not counted in its files.
        new("ScienceQA", 1, new(70, 220), new(2, 3), 1024),
        new("VizWiz", 1, new(30, 50), new(2, 7), 128),
        new("Grounding", 4, new(26, 50), new(22, 28), 1024),
        new("VQAv2", 5, new(18, 32), new(2, 5), 1024),
    ];

    private readonly SeededRandom random = new(options.Seed);
    private int pictures;

    /// <summary>Writes everything that the two sides read.</summary>
    public Workload Write(string folder)
    {
        var family = SpeedFamily.Of(options.Family);
        var shape = family.Shape(options.SizeOf(imageTokens));
        Directory.CreateDirectory(Workload.ModelOf(folder));
        family.Write(Workload.ModelOf(folder), options.SizeOf(imageTokens), TorchNames.Dtype(options.Stored), options.Seed);

        // In front of the model stand LLaVA's or MiniGPT's tokens, whatever its family's own are: what they mean costs nothing.
        var tokenizer = SyntheticText.Tokenizer(shape.Text.VocabularySize - 1);
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), tokenizer.ToBytes());
        var training = Training(
            family.Prompts(new SentencePieceTokenizer(tokenizer), OurTraining.Conversation, 2048, imageTokens),
            options.Quick ? 2 : 8
        );
        var workload = new Workload
        {
            Family = family.Key,
            LoraTargets = family.LoraTargets,
            Threads = options.Threads,
            Device = options.Device,
            Dtype = options.Dtype,
            Seed = options.Seed,
            ImageTokens = imageTokens,
            ImageTokenId = shape.ImageTokenId,
            ImageSize = shape.ImageSize,
            LoraRank = options.Rank,
            LoraAlpha = 2 * options.Rank,
            LoraDropout = 0.05,
            LearningRate = 2e-4,
            GradientCheckpointing = options.Checkpointing,
            BatchSize = training.Count,
            EvaluationBatchSize = options.BatchSize,
            Training = training,
            Evaluation = [.. Shapes.Select(shape => Questions(shape, options.Questions))],
            Pictures = pictures,
        };
        WritePixels(folder, shape.ImageSize);
        workload.Write(folder);
        return workload;
    }

    /// <param name="count">Samples, unless the options say how many positions.</param>
    private List<TrainingRow> Training(IPrompts prompts, int count)
    {
        var rows = new List<TrainingRow>();
        long positions = 0;
        while (options.Positions is { } wanted ? positions < wanted : rows.Count < count)
        {
            // Half of the samples have questions of one line, half longer ones (ScienceQA's hints): what makes padding costly.
            var i = rows.Count;
            var question = Words(i % 2 == 0 ? new Span(20, 60) : new Span(60, 240));
            var answer = Words(new Span(2, 25));
            var tokens = prompts.Training(
                new TrainingSample($"{i}", "picture", [new Turn("human", $"<image>\n{question}"), new Turn("gpt", answer)])
            );
            positions += tokens.Ids.Count + imageTokens - 1;
            rows.Add(new TrainingRow(pictures++, question, answer, tokens.Ids, tokens.Labels));
        }

        return rows;
    }

    private QuestionSet Questions(TaskShape shape, int count)
    {
        var rows = new List<QuestionRow>();
        for (var i = 0; i < count; i++)
        {
            if (i % shape.QuestionsPerPicture == 0)
            {
                pictures++;
            }

            // Every prompt begins alike, with the system text.
            IEnumerable<int> system = Enumerable.Range(1000, SystemTokens - 1);
            rows.Add(
                new QuestionRow(pictures - 1, [1, .. system, SequenceBatch.ImagePlaceholder, .. Ids(shape.Question)], Draw(shape.Answer))
            );
        }

        return new QuestionSet(shape.Name, shape.QuestionsPerPicture, shape.MaxNewTokens, rows);
    }

    private void WritePixels(string folder, int size)
    {
        using var file = File.Create(Workload.PixelsOf(folder));
        var values = new float[3 * size * size];
        for (var i = 0; i < pictures; i++)
        {
            for (var k = 0; k < values.Length; k++)
            {
                values[k] = (float)((random.NextDouble() * 4) - 2);
            }

            file.Write(MemoryMarshal.AsBytes<float>(values));
        }
    }

    private int Draw(Span span) => span.From + random.Next(span.To - span.From + 1);

    private string Words(Span span) => SyntheticText.Words(random, Draw(span));

    private int[] Ids(Span span) => [.. Enumerable.Range(0, Draw(span)).Select(_ => 300 + random.Next(30000))];

    private readonly record struct Span(int From, int To);

    private sealed record TaskShape(string Name, int QuestionsPerPicture, Span Question, Span Answer, int MaxNewTokens);
}
