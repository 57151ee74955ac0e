using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Benchmark.Experiments;
using CoIN.Benchmark.Learning;
using CoIN.Models.Computing;
using CoIN.Models.Families;
using CoIN.Models.Families.Llava;
using CoIN.Models.Learning;
using CoIN.Models.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Tests.Learning;

/// <summary>Which base models stay in memory where a process serves runs of several.</summary>
public sealed class BaseModelsTests : IDisposable
{
    private static readonly TestSample[] Questions = [new("1", "0.png", "a b", "a"), new("2", null, "c d", "a")];

    private readonly TemporaryFolder folder = new();
    private readonly List<string> told = [];
    private readonly Counting family = new();

    public BaseModelsTests()
    {
        TinyLlava.WriteHub(folder.Of("model"));
        File.WriteAllBytes(folder.Of("0.png"), ImageBytes.Plain(20, 16, 40));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_base_that_nobody_works_with_is_freed_whole_before_another_is_loaded_on_its_device()
    {
        using var factory = Factory();
        List<Tensor> tensors;
        using (var learner = factory.Open(Held("float32"), "cpu", 1))
        {
            using var session = learner.OpenGeneration(null);
            session.Answer(Questions, 2);
            tensors = family.Last;
        }

        Assert.All(tensors, tensor => Assert.False(tensor.IsInvalid));
        factory.Open(Held("bfloat16"), "cpu", 1).Dispose();
        Assert.All(tensors, tensor => Assert.True(tensor.IsInvalid));
        Assert.Equal(
            $"The base model {folder.Of("model")} (float32) is freed on cpu to make room for {folder.Of("model")} (bfloat16)",
            Assert.Single(told)
        );

        // The same is not loaded twice, another one is told by its folder.
        factory.Open(Held("bfloat16"), "cpu", 2).Dispose();
        Assert.Equal(2, family.Loads);
        TinyLlava.WriteHub(folder.Of("other"));
        factory
            .Open(
                Held("bfloat16") with
                {
                    Model = new ModelOptions { Path = folder.Of("other"), MaxLength = 120 },
                },
                "cpu",
                1
            )
            .Dispose();
        Assert.EndsWith($"{folder.Of("model")} is freed on cpu to make room for {folder.Of("other")}", told[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_with_which_somebody_works_stays_whatever_else_is_loaded()
    {
        using var factory = Factory();
        using var learner = factory.Open(Held("float32"), "cpu", 1);
        using var training = learner.OpenTraining(
            new StageTraining(
                1,
                "T",
                1,
                [.. "abcd".Select(letter => new TrainingSample($"{letter}", null, [new("human", "ab"), new("gpt", $"{letter}")]))],
                null,
                null
            )
        );
        training.Next();
        var tensors = family.Last;
        factory.Open(Held("bfloat16"), "cpu", 1).Dispose();
        factory
            .Open(Held("float32") with { Model = Held("float32").Model with { Quantization = BaseQuantization.Nf4 } }, "cpu", 1)
            .Dispose();
        Assert.All(tensors, tensor => Assert.False(tensor.IsInvalid));
        Assert.Contains("(bfloat16) is freed on cpu to make room for", Assert.Single(told), StringComparison.Ordinal);
        training.Next();
    }

    /// <summary>An evaluator keeps the session of its last adapter for the shard that may follow.</summary>
    [Fact]
    public void What_rests_is_closed_where_its_memory_is_needed_and_nowhere_else()
    {
        using var factory = Factory();
        using var learner = factory.Open(Held("float32"), "cpu", 1);
        using var session = learner.OpenGeneration(null);
        var closed = 0;
        learner.Rest(() => closed++);
        factory.Open(Held("float32"), "cpu", 1).Dispose();
        Assert.True(learner.Wake());
        factory.Open(Held("bfloat16"), "cpu", 1).Dispose();
        Assert.Equal(0, closed);
        Assert.Empty(told);

        learner.Rest(() => closed++);
        var tensors = family.First;
        factory.Open(Held("float16"), "cpu", 1).Dispose();
        Assert.Equal(1, closed);
        Assert.All(tensors, tensor => Assert.True(tensor.IsInvalid));
        Assert.False(learner.Wake());
        Assert.False(learner.Wake());
    }

    [Fact]
    public void Of_several_that_may_stay_the_one_goes_that_was_not_used_for_longest()
    {
        using var factory = Factory(kept: 2);
        factory.Open(Held("float32"), "cpu", 1).Dispose();
        factory.Open(Held("bfloat16"), "cpu", 1).Dispose();
        factory.Open(Held("float32"), "cpu", 1).Dispose();
        Assert.Empty(told);
        factory.Open(Held("float16"), "cpu", 1).Dispose();
        Assert.Contains("(bfloat16) is freed", Assert.Single(told), StringComparison.Ordinal);
        factory.Open(Held("float32"), "cpu", 1).Dispose();
        Assert.Equal(3, family.Loads);
    }

    [Fact]
    public void A_base_made_ready_for_other_lengths_is_another_one()
    {
        using var factory = Factory();
        factory.Open(Held("float32"), "cpu", 1).Dispose();
        factory.Open(Held("float32") with { Model = Held("float32").Model with { MaxLength = 60 } }, "cpu", 1).Dispose();
        Assert.Equal(1, family.Loads);
        factory.Open(Held("float32") with { Model = Held("float32").Model with { MaxLength = 500 } }, "cpu", 1).Dispose();
        Assert.Equal(2, family.Loads);
        Assert.EndsWith("(for 1000 positions)", Assert.Single(told), StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_that_could_not_be_loaded_is_tried_anew_by_whoever_asks_next()
    {
        using var factory = Factory();
        family.Fault = new CoinException("a fault");
        Assert.Throws<CoinException>(() => factory.Open(Held("float32"), "cpu", 1));
        family.Fault = null;
        factory.Open(Held("float32"), "cpu", 1).Dispose();
        Assert.Equal(1, family.Loads);
    }

    /// <summary>Files are opened where this host has them; what is written says what the configuration says.</summary>
    [Fact]
    public void An_adapter_says_of_its_base_what_the_configuration_says_wherever_the_base_lies()
    {
        var there = Held("float32") with
        {
            Model = Held("float32").Model with { Path = "/data/hf/model" },
            Data = new DataOptions { Instructions = "/data/i", Images = "/data/hf" },
            Training = new TrainingOptions { BatchSize = 1, MaxSteps = 1 },
        };
        using var factory = new LearnerFactory(_ => { }, paths: LocalPaths.Parse([$"/data/hf = {folder.Path}"]));
        using var learner = factory.Open(there, "cpu", 1);
        using var training = learner.OpenTraining(
            new StageTraining(1, "T", 1, [new TrainingSample("s", "0.png", [new("human", "<image>\nab"), new("gpt", "c")])], null, null)
        );
        training.Next();
        training.SaveAdapter(Directory.CreateDirectory(folder.Of("adapter")).FullName);
        Assert.Contains("\"/data/hf/model\"", File.ReadAllText(folder.Of("adapter", AdapterFiles.Config)), StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Path, File.ReadAllText(folder.Of("adapter", AdapterFiles.Config)), StringComparison.Ordinal);
        using var session = learner.OpenGeneration(folder.Of("adapter"));
        Assert.Equal(2, session.Answer(Questions, 2).Count);
    }

    private LearnerFactory Factory(int kept = 1) => new(_ => { }, _ => family, told.Add, kept);

    private ExperimentOptions Held(string dtype) =>
        TinyRun.Options(folder, dropout: 0) with
        {
            Model = TinyRun.Options(folder).Model with { Dtype = dtype },
        };

    /// <summary>LLaVA; what is loaded is counted, and its tensors kept.</summary>
    private sealed class Counting : IModelFamily
    {
        private readonly LlavaFamily llava = new();
        private readonly List<List<Tensor>> loaded = [];

        public int Loads => loaded.Count;

        public CoinException? Fault { get; set; }

        public List<Tensor> First => loaded[0];

        public List<Tensor> Last => loaded[^1];

        public string Name => llava.Name;

        public IReadOnlyList<string> Conversations => llava.Conversations;

        public LoadedModel Load(ModelOptions model, ScalarType dtype, Device device, Action<string> warn)
        {
            if (Fault is not null)
            {
                throw Fault;
            }

            var whole = llava.Load(model, dtype, device, warn);
            var parts = (LlavaModel)whole.Model;
            loaded.Add([.. parts.Vision.Parameters(), .. parts.Projector.Parameters, .. parts.Language.Parameters()]);
            return whole;
        }

        public bool Recognizes(ModelOptions model) => true;

        public IPictureModel? Check(ModelOptions model, Problems problems, Action<string> warn) => llava.Check(model, problems, warn);

        public ModelShape Shape(ModelOptions model) => llava.Shape(model);

        public IModelSettings Read(ModelOptions model) => llava.Read(model);

        public string SourceOf(ModelOptions model) => llava.SourceOf(model);

        public IReadOnlyList<string> Inspect(ModelOptions model) => llava.Inspect(model);

        public void Merge(string adapter, ModelOptions model, string output, string? dtype, Action<string> tell) =>
            llava.Merge(adapter, model, output, dtype, tell);
    }
}
