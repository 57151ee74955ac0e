using System.Text.RegularExpressions;
using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Families.QwenVl;
using CoIN.Models.Sequences;
using CoIN.Models.Tests.Golden;
using Newtonsoft.Json.Linq;

namespace CoIN.Models.Tests.Families.QwenVl;

[Trait("Category", "Parity")]
public sealed partial class QwenVlPromptParityTests
{
    private readonly QwenVlTokenizer tokenizer = QwenVlTokenizer.Load(GoldenFolder.Of("qwen-vl-tiny"));

    [Fact]
    public void Conversations_get_the_reference_s_ids_and_labels()
    {
        var cases = PromptFixtures.Read("qwen-vl-tiny", "preprocess_cases.json")["cases"]!;
        Assert.NotEmpty(cases);
        foreach (var one in cases)
        {
            var sample = Sample(one["conversations"]!);
            var tokens = new QwenVlPrompts(tokenizer, PromptKind.Trained).Training(sample);
            var ids = PictureIds.Expand(tokens.Ids, sample.Images);
            var labels = tokens
                .Ids.Zip(tokens.Labels)
                .SelectMany(pair =>
                    Enumerable.Repeat(pair.Second, pair.First == SequenceBatch.ImagePlaceholder ? QwenVlTokenizer.ImageSpan : 1)
                )
                .ToList();
            var real = Math.Min(ids.Count, (int)one["max_len"]!);
            Assert.Equal(PromptFixtures.Ints(one["input_ids"]!).Take(real), ids.Take(real));
            Assert.Equal(PromptFixtures.Ints(one["labels"]!).Take(real), labels.Take(real));
            Assert.All(one["labels"]!.Skip(real), label => Assert.Equal(SequenceBatch.Ignored, (int)label));
        }
    }

    [Fact]
    public void Several_pictures_are_numbered_where_their_tags_stand()
    {
        var prompts = new QwenVlPrompts(tokenizer, PromptKind.Trained);
        var sample = new TrainingSample("1", "a.png", [new("human", "<image>\nWhat is it? <image> or not?"), new("gpt", "no")])
        {
            FurtherImages = ["b.png"],
        };
        Assert.Equal(
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nPicture 1: <img><image></img>\nWhat is it? Picture 2: "
                + "<img><image></img>\n or not?<|im_end|>\n<|im_start|>assistant\nno<|im_end|>\n",
            prompts.TrainingPrompt(sample)
        );
        Assert.Equal(2, prompts.Training(sample).Ids.Count(id => id == SequenceBatch.ImagePlaceholder));
        Assert.Equal(2, prompts.Evaluation("Which?", 2).Count(id => id == SequenceBatch.ImagePlaceholder));
        Assert.Contains(
            "user\nPicture 1: <img><image></img>\nPicture 2: <img><image></img>\nWhich?<|im_end|>",
            prompts.EvaluationPrompt("Which?", 2),
            StringComparison.Ordinal
        );
        Assert.Contains("user\nIs <image>", prompts.EvaluationPrompt("Is <image>", 0), StringComparison.Ordinal);
    }

    [Fact]
    public void A_question_is_put_as_it_was_learned()
    {
        var prompts = new QwenVlPrompts(tokenizer, PromptKind.Trained);
        var learned = prompts.Training(new TrainingSample("1", "a.png", [new("human", "<image>\nWhat?"), new("gpt", "no")])).Ids;
        var asked = prompts.Evaluation("What?", 1);
        Assert.Equal(learned.Take(asked.Count), asked);
        Assert.Equal(tokenizer.EndId, prompts.EndOfSequence);
    }

    [Fact]
    public void Tokens_are_shown_without_breaking_lines()
    {
        var prompts = new QwenVlPrompts(tokenizer, PromptKind.Trained);
        Assert.Equal(
            ["\u2581a", "\\n", "<|im_end|>"],
            new[] { " a", "\n", "<|im_end|>" }.Select(text => prompts.TokenText(Assert.Single(tokenizer.EncodeParts(text))))
        );
        Assert.Equal("<0xE4>", prompts.TokenText(tokenizer.EncodeParts("你")[0]));
    }

    [Theory]
    [InlineData("<img>")]
    [InlineData("a </img> b")]
    public void A_mark_of_a_picture_without_a_picture_is_refused_by_its_sample(string text) =>
        Assert.Contains(
            "Sample s7",
            Assert
                .Throws<CoinException>(() =>
                    new QwenVlPrompts(tokenizer, PromptKind.Trained).Training(
                        new TrainingSample("s7", null, [new("human", text), new("gpt", "no")])
                    )
                )
                .Message,
            StringComparison.Ordinal
        );

    /// <summary>A sample as it is read: tags in the place of the marks with paths.</summary>
    private static TrainingSample Sample(JToken conversations)
    {
        var paths = new List<string>();
        var turns = conversations
            .Select(turn => new Turn(
                (string)turn["from"]! == "user" ? "human" : "gpt",
                Mark()
                    .Replace((string)turn["value"]!, match =>
                    {
                        paths.Add(match.Groups[1].Value);
                        return "<image>";
                    })
            ))
            .ToList();
        return new TrainingSample("1", paths.FirstOrDefault(), turns) { FurtherImages = [.. paths.Skip(1)] };
    }

    [GeneratedRegex("Picture [0-9]+: <img>([^<]*)</img>")]
    private static partial Regex Mark();
}
