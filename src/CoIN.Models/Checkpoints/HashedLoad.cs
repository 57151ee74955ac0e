namespace CoIN.Models.Checkpoints;

/// <summary>
/// Loads models while another thread hashes their files: both go through the same bytes, which are read from the disk once.
/// </summary>
internal static class HashedLoad
{
    /// <summary>Loads and hashes.</summary>
    /// <param name="hash">Gives the files' hash; is told to stop where loading fails.</param>
    /// <param name="load">Gives the model.</param>
    public static (T Model, string Sha256) Run<T>(Func<CancellationToken, string> hash, Func<T> load)
        where T : IDisposable
    {
        using var stop = new CancellationTokenSource();
        var hashing = Task.Run(() => hash(stop.Token));
        T model;
        try
        {
            model = load();
        }
        catch
        {
            stop.Cancel();

            // What it comes to is of no interest any more.
            Task.WhenAny(hashing).Wait();
            throw;
        }

        try
        {
            return (model, hashing.GetAwaiter().GetResult());
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
