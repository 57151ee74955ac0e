using CoIN.Benchmark;
using CoIN.Benchmark.Data;
using CoIN.Models.Adapters;
using CoIN.Models.Computing;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Methods;

/// <summary>
/// Calls a stage's method at the places of its training, and keeps its state in files. Without a method nothing happens at any of them.
/// </summary>
/// <param name="key">The method's.</param>
/// <param name="method">Null for a method that changes nothing within training.</param>
internal sealed class MethodHooks(string key, TrainingMethod? method, StageInfo stage) : IDisposable
{
    private IEnumerator<SamplePass>? end;

    /// <summary>The samples to train on, as the method wants them.</summary>
    /// <param name="adapter">The folder of the adapter that is trained further, beside which the method's state may lie; null for a fresh
    /// one.</param>
    public IReadOnlyList<TrainingSample> Samples(IReadOnlyList<TrainingSample> samples, string? adapter, Action<string> warn)
    {
        var former = adapter is null ? null : MethodState.MethodIn(adapter);
        if (former is not null && (method is null || former != key))
        {
            warn($"The adapter {adapter} holds the state of the method {former}; this is {key}, which does not use it.");
        }

        if (method is null)
        {
            return samples;
        }

        method.Stage = stage;
        if (former == key)
        {
            method.State.Read(adapter!, method.StateDevice);
            method.State.Ended = null;
        }

        return Call(() => method.Samples(samples));
    }

    /// <summary>Training begins, at its start or at a checkpoint.</summary>
    /// <param name="checkpoint">Folder of the checkpoint, or null.</param>
    /// <exception cref="CoinException">The checkpoint has no state of the method.</exception>
    public void Begin(IAdapter adapter, string? checkpoint)
    {
        if (checkpoint is not null && MethodState.MethodIn(checkpoint) is var written && written != (method is null ? null : key))
        {
            var held = written is null ? "no method's state" : $"the state of the method {written}";
            throw new CoinException(
                $"The checkpoint {checkpoint} holds {held}, but this is {key}{(method is null ? ", which keeps none" : "")}. "
                    + "Delete the checkpoint to train the stage from its start."
            );
        }

        if (method is null)
        {
            return;
        }

        method.Parameters = TrainedParameter.Of(adapter);
        method.Frozen = adapter
            .Frozen()
            .ToDictionary(pair => pair.Name, pair => pair.Tensor.DetachFromDisposeScope(), StringComparer.Ordinal);
        if (checkpoint is null)
        {
            Call(method.BeginStage);
        }
        else
        {
            method.State.Read(checkpoint, method.StateDevice);
        }
    }

    /// <summary>A micro-batch is about to run.</summary>
    /// <returns>What the method adds to its loss; null without a method.</returns>
    public LogitsGradient? BeforeBatch(Func<MethodBatch> describe)
    {
        if (method is null)
        {
            return null;
        }

        var batch = describe();
        Call(() => method.BeforeBatch(batch));
        return rows => Call(() => method.LogitsGradient(batch, rows)?.MoveToOuterDisposeScope());
    }

    /// <inheritdoc cref="TrainingMethod.Rehearsed"/>
    public IReadOnlyList<TrainingSample> Rehearsed(int step) => method is null ? [] : Call(() => method.Rehearsed(step));

    /// <inheritdoc cref="TrainingMethod.AddGradients"/>
    public void AddGradients()
    {
        if (method is not null)
        {
            Call(method.AddGradients);
        }
    }

    /// <inheritdoc cref="TrainingMethod.AfterStep"/>
    public void AfterStep(int step)
    {
        if (method is not null)
        {
            Call(() => method.AfterStep(step));
        }
    }

    /// <summary>Goes on with the end of the stage.</summary>
    /// <returns>The pass that the method wants next; null at the end.</returns>
    public SamplePass? EndStage(IReadOnlyList<TrainingSample> samples)
    {
        // A checkpoint may have been written behind the end, where the adapter could not be.
        if (method is null || method.State.Ended == stage.Number)
        {
            return null;
        }

        end ??= Call(() => method.EndStage(samples)).GetEnumerator();
        if (Call(end.MoveNext))
        {
            return end.Current;
        }

        method.State.Ended = stage.Number;
        return null;
    }

    /// <summary>Writes the method's state into a folder, flushed to disk; nothing without a method.</summary>
    public void Write(string folder)
    {
        if (method is not null)
        {
            method.State.Write(folder, key);
        }
    }

    public void Dispose()
    {
        end?.Dispose();
        method?.Dispose();
    }

    private static void Call(Action hook) =>
        Call(() =>
        {
            hook();
            return true;
        });

    private static T Call<T>(Func<T> hook)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return hook();
    }
}
