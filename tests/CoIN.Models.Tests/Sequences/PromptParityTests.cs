using CoIN.Benchmark.Data;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using CoIN.Models.Tokenization;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tests.Sequences;

[Trait("Category", "Parity")]
public sealed class PromptParityTests
{
    public static TheoryData<string> Folders => PromptFixtures.Folders();

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_training_sample_has_the_reference_s_prompt_ids_and_labels(string folder)
    {
        foreach (var one in PromptFixtures.Read(folder, "train.json"))
        {
            var (prompt, tokens) = Tokenize(folder, one, (int)one["model_max_length"]!);
            Assert.Equal((string)one["prompt"]!, prompt);
            Assert.Equal(PromptFixtures.Ints(one["input_ids"]!), tokens.Ids);
            Assert.Equal(PromptFixtures.Ints(one["labels"]!), tokens.Labels);
            Assert.Equal((int)one["n_label_tokens"]! == 0, tokens.Labels.All(label => label == SequenceBatch.Ignored));
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Samples_cut_to_the_longest_length_are_the_reference_s_rows(string folder)
    {
        var collate = PromptFixtures.Read(folder, "collate.json");
        var samples = PromptFixtures.Read(folder, "train.json");
        var longest = (int)collate["model_max_length"]!;
        var row = 0;
        foreach (var index in PromptFixtures.Ints(collate["cases"]!))
        {
            var (_, tokens) = Tokenize(folder, samples[index]!, (int)samples[index]!["model_max_length"]!);
            List<int> ids = [.. tokens.Ids.Take(longest)],
                labels = [.. tokens.Labels.Take(longest)];
            List<int> rowIds = PromptFixtures.Ints(collate["input_ids"]![row]!),
                rowLabels = PromptFixtures.Ints(collate["labels"]![row]!);
            Assert.Equal(rowIds.Take(ids.Count), ids);
            Assert.Equal(rowLabels.Take(labels.Count), labels);
            Assert.All(rowLabels.Skip(labels.Count), label => Assert.Equal(SequenceBatch.Ignored, label));

            // Packing attends to exactly these positions.
            Assert.Equal(PromptFixtures.Ints(collate["attention_mask"]![row]!).Sum(), ids.Count(id => id != 0));
            row++;
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_question_has_the_reference_s_prompt_and_ids(string folder)
    {
        var prompts = Builder(folder, 2048);
        foreach (var one in PromptFixtures.Read(folder, "eval.json"))
        {
            var (text, hasImage) = ((string)one["text"]!, (bool)one["has_image"]!);
            Assert.Equal((string)one["prompt"]!, prompts.EvaluationPrompt(text, hasImage ? 1 : 0));
            Assert.Equal(PromptFixtures.Ints(one["input_ids"]!), prompts.Evaluation(text, hasImage ? 1 : 0));
        }
    }

    private static PromptBuilder Builder(string folder, int maxLength) =>
        new(SentencePieceTokenizer.Load(GoldenFolder.Of(folder, "tokenizer.model")), ConversationTemplates.Get("vicuna_v1"), maxLength);

    private static (string Prompt, TokenizedSample Tokens) Tokenize(string folder, JToken one, int maxLength)
    {
        var turns = one["sample"]!["conversations"]!.Select(turn => new Turn((string)turn["from"]!, (string)turn["value"]!)).ToList();
        var sample = new TrainingSample("x", (bool)one["has_image"]! ? "picture.png" : null, turns);
        var prompts = Builder(folder, maxLength);
        return (prompts.TrainingPrompt(sample), prompts.Training(sample));
    }
}
