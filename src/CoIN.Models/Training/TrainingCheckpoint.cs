using CoIN.Benchmark;
using CoIN.Benchmark.Files;
using CoIN.Models.Adapters;
using CoIN.Models.Checkpoints;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Training;

/// <summary>
/// A stage's whole state: adapter, projector, moments and step. Data order and dropout follow from seed, stage and step, so no generator
/// has to be kept.
/// </summary>
internal static class TrainingCheckpoint
{
    private const string StateName = "state.safetensors";
    private const string DescriptionName = "checkpoint.json";
    private const int Version = 1;

    /// <summary>What a checkpoint belongs to; one of another stage, seed or data set must not be taken up.</summary>
    /// <param name="Samples">Training samples of the stage.</param>
    internal sealed record Description(int Stage, int Seed, int TotalSteps, int Samples, int Step);

    /// <summary>Writes the state into a folder, flushed to disk.</summary>
    /// <param name="moments">All of the optimizer: see <see cref="FusedAdamW.Named"/>.</param>
    public static void Write(string folder, Description description, IAdapter adapter, IEnumerable<(string Name, Tensor Tensor)> moments)
    {
        SafetensorsWriter.Write(Path.Combine(folder, StateName), Tensors(adapter, moments));
        var json = JObject.FromObject(description);
        json["Version"] = Version;
        Durable.WriteText(Path.Combine(folder, DescriptionName), json.ToString(Formatting.Indented) + "\n");
    }

    /// <summary>Puts a checkpoint's state into adapter and optimizer, as far as the optimizer's is kept here.</summary>
    /// <param name="expected">What it must belong to; its step is not looked at.</param>
    /// <returns>The step at which it was written.</returns>
    /// <exception cref="CoinException">It is damaged, or belongs to another stage.</exception>
    public static int Restore(string folder, Description expected, IAdapter adapter, FusedAdamW optimizer)
    {
        var path = Path.Combine(folder, DescriptionName);
        var found = ReadDescription(path);
        if (found with { Step = expected.Step } != expected)
        {
            throw new CoinException(
                $"The checkpoint {folder} was written by {found}, but this is {expected}. Delete the checkpoint to train the stage from its start."
            );
        }

        using var noGrad = no_grad();
        using var file = new SafetensorsFile(Path.Combine(folder, StateName));
        foreach (var (name, tensor) in Tensors(adapter, optimizer.Named()))
        {
            using var stored = file.Read(name);
            if (!stored.shape.SequenceEqual(tensor.shape))
            {
                throw new CoinException(
                    $"{file.Path}: '{name}' has shape [{string.Join(", ", stored.shape)}] where this stage has [{string.Join(", ", tensor.shape)}]. "
                        + "Delete the checkpoint to train the stage from its start."
                );
            }

            using var target = tensor.detach();
            target.copy_(stored);
        }

        return found.Step;
    }

    private static Dictionary<string, Tensor> Tensors(IAdapter adapter, IEnumerable<(string Name, Tensor Tensor)> moments) =>
        adapter
            .Parameters()
            .Select((tensor, i) => (Name: $"parameter.{i}", Tensor: tensor))
            .Concat(moments)
            .ToDictionary(pair => pair.Name, pair => pair.Tensor, StringComparer.Ordinal);

    private static Description ReadDescription(string path)
    {
        try
        {
            var json = JObject.Parse(Utf8Text.Read(path));
            if ((int?)json["Version"] != Version)
            {
                throw new CoinException(
                    $"{path} has version {json["Version"]}; this program reads {Version}. Resume with the program that wrote it."
                );
            }

            return json.ToObject<Description>()!;
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            throw new CoinException(
                $"Cannot read the checkpoint {path}: {e.Message} Delete its folder to train the stage from its start.",
                e
            );
        }
    }
}
