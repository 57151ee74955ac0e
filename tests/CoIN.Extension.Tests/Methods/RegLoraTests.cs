using CoIN.Benchmark;
using CoIN.Benchmark.Learning;
using CoIN.Benchmark.Methods;
using CoIN.Extension.Tests.Support;
using CoIN.Models.Adapters;
using CoIN.Models.Adapters.Lora;
using CoIN.Models.Adapters.OLora;
using CoIN.Models.Adapters.Peft;
using CoIN.Models.Methods;
using CoIN.Models.Tests.Golden;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Extension.Tests.Methods;

public sealed class RegLoraTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly TinyStage tiny = new();

    public void Dispose()
    {
        tiny.Dispose();
        scope.Dispose();
    }

    /// <summary>The loss is written here as the official code has it, and autograd gives its gradient.</summary>
    [Theory]
    [InlineData(0.02, true)]
    [InlineData(0.3, true)]
    [InlineData(0.3, false)]
    public void Its_gradient_is_that_of_the_mean_over_maps_and_key_elements_of_all_finished_tasks(double keyElements, bool known)
    {
        using var golden = new GoldenLlama(false);
        var tasks = new[] { Golden("star1"), Golden("olora_prev2") };
        var joined = tasks[0]
            .Keys.ToDictionary(name => name, name => cat([.. tasks.Select(task => task[name])], PeftFolder.IsA(name) ? 0 : 1));

        // Where the state does not know the tasks, the adapter was given: it counts as one.
        var finished = known ? tasks : [joined];
        var fresh = Golden("olora_new");
        var options = new RegLoraOptions { Lambda = 7, KeyElements = keyElements };
        foreach (var tensor in fresh.Values)
        {
            tensor.requires_grad_(true);
        }

        var names = fresh.Keys.Where(PeftFolder.IsA).ToList();
        var loss = zeros(1);
        foreach (var a in names)
        {
            var b = a.Replace("lora_A", "lora_B", StringComparison.Ordinal);
            var keys = finished.Select(task =>
            {
                var size = task[b].matmul(task[a]).abs().flatten();
                return size.topk(Math.Max((int)(keyElements * size.shape[0]), 1)).indexes;
            });
            loss += fresh[b].matmul(fresh[a]).flatten()[cat([.. keys])].abs().mean();
        }

        (loss * options.Lambda / names.Count).backward();

        var folder = Directory.CreateDirectory(golden.Folder.Of("earlier")).FullName;
        using (
            LoraAdapter one = Read(golden, "star1"),
                two = Read(golden, "olora_prev2")
        )
        {
            PeftFolder.Write(folder, [one, two], 0, "golden");
        }

        using var adapter = new OLoraAdapter(
            Read(golden, "olora_new"),
            PeftFolder.Read(folder, golden.Model.Language, golden.Model.Projector)
        );
        using var method = new RegLora(options)
        {
            Parameters = TrainedParameter.Of(adapter),
            Frozen = adapter.Frozen().ToDictionary(pair => pair.Name, pair => pair.Tensor),
        };
        if (known)
        {
            method.State.Values["Ranks"] = new JArray(4, 4);
        }

        using (no_grad())
        {
            method.AddGradients();
        }

        foreach (var (name, tensor) in fresh)
        {
            var found = method.Parameters.Single(one => one.Name == name).Gradient;
            var expected = tensor.grad!;
            Assert.True(expected.abs().max().item<float>() > 0);
            Assert.InRange(GoldenFolder.Difference(expected, found), 0, 1e-5 * expected.abs().max().item<float>());
        }
    }

    [Fact]
    public void The_first_task_is_LoRA_and_the_tasks_ranks_are_kept()
    {
        Train("plain", null, null);
        Train("one", new RegLora(new RegLoraOptions()), null);
        Assert.Equal(tiny.Contents("plain")[AdapterFiles.Weights], tiny.Contents("one")[AdapterFiles.Weights]);
        Train("two", new RegLora(new RegLoraOptions()), "one", stage: 2);
        var ranks = JObject.Parse(File.ReadAllText(tiny.Folder.Of("two", AdapterFiles.MethodValues)))["Values"]!["Ranks"]!;
        Assert.Equal([4, 4], ranks.Values<int>());
        Assert.False(File.Exists(tiny.Folder.Of("two", AdapterFiles.MethodTensors)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_new_task_leaves_key_elements_alone_the_more_the_larger_the_weight_is(bool kernels)
    {
        Train("one", new RegLora(new RegLoraOptions()), null, kernels: kernels);
        var moved = new List<double>();
        foreach (var lambda in new[] { 0, 10, 2500 })
        {
            Train(
                $"with-{lambda}",
                new RegLora(new RegLoraOptions { Lambda = lambda, KeyElements = 0.1 }),
                "one",
                stage: 2,
                kernels: kernels
            );
            var weights = tiny.Tensors($"with-{lambda}", AdapterFiles.Weights);
            moved.Add(
                weights
                    .Keys.Where(PeftFolder.IsA)
                    .Sum(a =>
                    {
                        var b = PeftFolder.BOf(a);
                        var earlier = weights[b].narrow(1, 0, 4).matmul(weights[a].narrow(0, 0, 4)).abs().flatten();
                        var update = weights[b].narrow(1, 4, 4).matmul(weights[a].narrow(0, 4, 4)).flatten();
                        return (double)update[earlier.topk((int)(0.1 * earlier.shape[0])).indexes].abs().sum().item<float>();
                    })
            );
        }

        Assert.True(moved[0] > moved[1] && moved[1] > moved[2], string.Join(" > ", moved));
    }

    [Fact]
    public void A_state_of_other_ranks_than_the_adapter_is_refused()
    {
        Train("one", new RegLora(new RegLoraOptions()), null);
        var path = tiny.Folder.Of("one", AdapterFiles.MethodValues);
        File.WriteAllText(path, File.ReadAllText(path).Replace("4", "8", StringComparison.Ordinal));
        var refused = Assert.Throws<CoinException>(() => Train("two", new RegLora(new RegLoraOptions()), "one", stage: 2));
        Assert.Contains("of the ranks 8 are finished, but the adapter has a rank of 4", refused.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyDictionary<string, Tensor> Golden(string adapter) =>
        GoldenFolder.Tensors("methods-llama", Path.Combine(adapter, AdapterFiles.Weights));

    private static LoraAdapter Read(GoldenLlama golden, string adapter) =>
        PeftFolder.Read(GoldenFolder.Of("methods-llama", adapter), golden.Model.Language, golden.Model.Projector);

    private void Train(string name, TrainingMethod? method, string? adapter, int stage = 1, bool kernels = false) =>
        tiny.Train(name, 3, kernels, method, stage: stage, adapter: adapter, kind: method is null ? null : new OLoraKind());
}
