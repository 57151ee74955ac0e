using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Methods;
using Newtonsoft.Json;

namespace CoIN.Benchmark.Tests.Methods;

public sealed class CurriculumTests
{
    private static readonly string[] Tasks = ["A", "B", "C"];

    [Fact]
    public void Sequential_lora_goes_on_with_one_adapter_and_tests_all_tasks_so_far()
    {
        var curriculum = LearningMethods.Known.Of("sequential-lora").Curriculum(Tasks);

        Assert.Equal(
            ["1 A learns 0 tests 0 from ", "2 B learns 1 tests 0,1 from 1", "3 C learns 2 tests 0,1,2 from 2"],
            curriculum.Stages.Select(stage =>
                $"{stage.Number} {stage.Name} learns {string.Join(",", stage.Learns)} tests {string.Join(",", stage.Tests)} from {stage.ContinuesFrom}"
            )
        );
        Assert.Null(curriculum.Base);
        Assert.Equal(2, curriculum.FirstOf(1).Number);
        Assert.Equal(6, curriculum.Cells.Count());
    }

    [Fact]
    public void What_continues_from_a_stage_goes_with_it()
    {
        Assert.Equal([2, 3], LearningMethods.Known.Of("sequential-lora").Curriculum(Tasks).From(2).Order());
        var apart = new Curriculum([
            new StageSpec(1, "A", [0], [0]),
            new StageSpec(2, "B", [1], [1]),
            new StageSpec(3, "C", [2], [2], ContinuesFrom: 1),
        ]);
        Assert.Equal([1, 3], apart.From(1).Order());
        Assert.Equal([2], apart.From(2));
    }

    [Fact]
    public void Zero_shot_trains_nothing_and_tests_the_base_model_on_everything()
    {
        var curriculum = LearningMethods.Known.Of("zero-shot").Curriculum(Tasks);

        Assert.Empty(curriculum.Trained);
        Assert.Equal([(0, 0), (0, 1), (0, 2)], curriculum.Cells);
        Assert.False(curriculum.Learns(1));
        Assert.Equal(0, curriculum.FirstOf(1).Number);
    }

    [Fact]
    public void Multi_task_learns_all_tasks_in_one_stage_and_tests_all_of_them()
    {
        var curriculum = LearningMethods.Known.Of("multi-task").Curriculum(Tasks);

        Assert.Equal([0, 1, 2], curriculum.Trained.Single().Learns);
        Assert.Equal([(1, 0), (1, 1), (1, 2)], curriculum.Cells);
        Assert.Null(curriculum.Trained.Single().ContinuesFrom);
        Assert.True(curriculum.IsJoint);
        Assert.False(LearningMethods.Known.Of("sequential-lora").Curriculum(["A"]).IsJoint);
    }

    [Fact]
    public void An_unknown_method_is_told_with_the_nearest_one() =>
        Assert.Contains(
            "did you mean \"zero-shot\"",
            Assert.Throws<CoinException>(() => LearningMethods.Known.Of("zeroshot")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_program_may_bring_a_method_of_its_own_under_a_key_of_its_own()
    {
        LearningMethods.Known.Add(new SequentialMethod("brought"));
        Assert.Equal(
            LearningMethods.Known.Of("sequential-lora").Curriculum(Tasks).Cells,
            LearningMethods.Known.Of("brought").Curriculum(Tasks).Cells
        );
        Assert.Throws<ArgumentException>(() => LearningMethods.Known.Add(new SequentialMethod("zero-shot")));
        Assert.IsType<ZeroShot>(LearningMethods.Known.Of("zero-shot"));
    }

    [Theory]
    [InlineData("sequential-lora", "SequentialLora")]
    [InlineData("zero-shot", "ZeroShot")]
    [InlineData("o-lora", "OLora")]
    [InlineData("reg-lora", "RegLora")]
    public void Journals_keep_their_spelling_of_methods(string key, string written)
    {
        var options = new ExperimentOptions
        {
            Name = "n",
            Method = key,
            Tasks = [],
            Data = new DataOptions { Instructions = "i", Images = "m" },
            Model = new ModelOptions(),
        };
        var json = JsonConvert.SerializeObject(options);

        Assert.Contains($"\"Method\":\"{written}\"", json, StringComparison.Ordinal);
        Assert.Equal(key, JsonConvert.DeserializeObject<ExperimentOptions>(json)!.Method);
    }
}
