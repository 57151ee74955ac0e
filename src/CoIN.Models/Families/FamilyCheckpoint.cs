using CoIN.Benchmark;
using CoIN.Models.Checkpoints;
using CoIN.Models.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace CoIN.Models.Families;

/// <summary>The weight files of a model, opened.</summary>
internal abstract class FamilyCheckpoint<TModel> : IDisposable
    where TModel : class, IDisposable
{
    /// <summary>The opened folders and files, each once.</summary>
    public abstract IEnumerable<CheckpointFolder> Parts { get; }

    /// <summary>The model's files, for messages.</summary>
    protected abstract string Name { get; }

    /// <summary>Makes the model of the files' tensors; what is missing or left over is in the <see cref="Parts"/>' accounts.</summary>
    /// <param name="device">On the meta device nothing is read: the model has shapes only.</param>
    /// <param name="nf4">As for <see cref="Load"/>.</param>
    public abstract TModel Build(ScalarType dtype, Device device, Nf4Settings? nf4 = null);

    /// <summary>Loads the model.</summary>
    /// <param name="warn">Receives sentences about what is unusual but not wrong, such as tensors that an index names in vain.</param>
    /// <param name="nf4">How the language model's maps are held in four bits; null where they are held as they are.</param>
    /// <exception cref="CoinException">A file is damaged, or the files do not fit together.</exception>
    public TModel Load(ScalarType dtype, Device device, Action<string> warn, Nf4Settings? nf4 = null)
    {
        var model = Build(dtype, device, nf4);
        try
        {
            FinishUsed(warn);
        }
        catch
        {
            model.Dispose();
            throw;
        }

        // Converted weights were there a second time, one after another.
        HeapPolicy.GiveBack();
        return model;
    }

    /// <summary>Settles the parts' accounts after <see cref="Build"/>.</summary>
    /// <param name="warn">As for <see cref="Load"/>.</param>
    /// <exception cref="CoinException">Tensors are missing, or nothing uses them; every part is in the message.</exception>
    public virtual void FinishUsed(Action<string> warn)
    {
        var problems = new Problems();
        foreach (var part in Parts)
        {
            problems.Try(part.FinishUsed);
            if (part.PromisedInVain() is { } sentence)
            {
                warn(sentence);
            }
        }

        // A part names itself.
        if (problems.Texts is [var only] && only.StartsWith(Name, StringComparison.Ordinal))
        {
            throw new CoinException(only);
        }

        problems.ThrowIfAny(Name);
    }

    public void Dispose()
    {
        foreach (var part in Parts)
        {
            part.Dispose();
        }
    }
}
