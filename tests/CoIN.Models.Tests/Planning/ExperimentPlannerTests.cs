using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Models.Planning;
using CoIN.Models.Tests.Support;
using CoIN.Models.Torch;

namespace CoIN.Models.Tests.Planning;

public sealed class ExperimentPlannerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public ExperimentPlannerTests() => TinyLlava.WriteHub(folder.Path);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void On_a_CPU_the_host_itself_is_the_device_and_mallocs_gaps_count()
    {
        var plan = Plan("cpu", "float32");
        Assert.Equal(HeapPolicy.Allocator() == "malloc", plan.Memory.Any(part => part.Name.StartsWith("gaps", StringComparison.Ordinal)));
        Assert.DoesNotContain(plan.Memory, part => part.Name.StartsWith("oneDNN", StringComparison.Ordinal));
        Assert.Empty(plan.Host);
        Assert.Contains(Plan("cpu", "bfloat16").Memory, part => part.Name.StartsWith("oneDNN", StringComparison.Ordinal));
    }

    [Fact]
    public void On_a_GPU_the_host_has_its_own_part()
    {
        var plan = Plan("cuda:0", "bfloat16");
        Assert.DoesNotContain(plan.Memory, part => part.Name.StartsWith("gaps", StringComparison.Ordinal) || part.Name.StartsWith("oneDNN", StringComparison.Ordinal));
        Assert.Contains(plan.Memory, part => part.Name.StartsWith("CUDA", StringComparison.Ordinal));
        Assert.NotEmpty(plan.Host);
    }

    private ExperimentPlan Plan(string device, string dtype)
    {
        var samples = Enumerable.Range(0, 4).Select(i => new TrainingSample($"{i}", null, [new Turn("human", "abc"), new Turn("gpt", "abc")])).ToList();
        var options = new ExperimentOptions
        {
            Name = "plan",
            Tasks = [new TaskOptions { Name = "A", Folder = "", Scorer = "gqa" }],
            Data = new DataOptions { Instructions = "", Images = "" },
            Model = new ModelOptions { Path = folder.Path, Dtype = dtype, MaxLength = 64 },
            Training = new TrainingOptions { BatchSize = 2 },
        };
        return ExperimentPlanner.Plan(options, device, evaluators: 0, _ => samples);
    }
}
