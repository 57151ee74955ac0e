using CoIN.Benchmark.Building;
using CoIN.Benchmark.Instructions;

namespace CoIN.Benchmark.Tests.Instructions;

public sealed class TaskInstructionsTests
{
    [Theory]
    [InlineData("ScienceQA", "Answer with the option's letter from the given choices directly")]
    [InlineData("Grounding", "Please provide the bounding box coordinate of the region this sentence describes: <description>")]
    [InlineData("TextVQA", "Answer the question using a single word or phrase")]
    [InlineData("ImageNet", "Answer the question using a single word or phrase")]
    [InlineData("OCR-VQA", "Answer the question using a single word or phrase")]
    public void The_original_wording_is_the_papers(string task, string expected) =>
        Assert.Equal([expected], TaskInstructions.Of(InstructionType.Original, task));

    [Fact]
    public void The_diverse_type_has_another_wording_for_every_task()
    {
        var wordings = DatasetBuild.Tasks.Select(task => TaskInstructions.Of(InstructionType.Diverse, task).Single()).ToList();

        Assert.Equal(8, wordings.Distinct().Count());
        Assert.Empty(wordings.Intersect(DatasetBuild.Tasks.SelectMany(task => TaskInstructions.Of(InstructionType.Original, task))));
    }

    [Fact]
    public void The_ten_type_has_ten_wordings_for_every_task() =>
        Assert.All(DatasetBuild.Tasks, task => Assert.Equal(10, TaskInstructions.Of(InstructionType.TenType, task).Distinct().Count()));

    [Fact]
    public void ImageNets_ten_include_the_two_that_the_paper_shows()
    {
        var wordings = TaskInstructions.Of(InstructionType.TenType, "ImageNet");

        Assert.Contains("Respond to the question with a single word or a short, descriptive phrase.", wordings);
        Assert.Contains("Classify the image content using only one word or a brief phrase.", wordings);
    }

    [Fact]
    public void Every_wording_is_one_line_and_Groundings_say_where_the_description_goes()
    {
        foreach (var type in Enum.GetValues<InstructionType>())
        {
            Assert.All(DatasetBuild.Tasks.SelectMany(task => TaskInstructions.Of(type, task)), wording =>
                Assert.DoesNotContain('\n', wording)
            );
            Assert.All(TaskInstructions.Of(type, "Grounding"), wording =>
                Assert.Contains(TaskInstructions.Description, wording, StringComparison.Ordinal)
            );
        }
    }

    [Fact]
    public void A_draw_depends_on_seed_and_id_alone()
    {
        IReadOnlyList<string> Draws(long seed) =>
            [.. Enumerable.Range(0, 200).Select(id => TaskInstructions.Draw(InstructionType.TenType, "GQA", $"q{id}", seed))];

        Assert.Equal(Draws(1), Draws(1));
        Assert.NotEqual(Draws(1), Draws(2));
        Assert.Equal(10, Draws(1).Distinct().Count());
    }

    // The draw must never change: this is FNV-1a's published value for "foobar".
    [Fact]
    public void The_hash_of_ids_is_the_same_on_every_machine() =>
        Assert.Equal(unchecked((long)0x85944171F73967E8), TaskInstructions.StableHash("foobar"));
}
