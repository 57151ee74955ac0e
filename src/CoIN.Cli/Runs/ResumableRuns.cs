using CoIN.Benchmark;
using CoIN.Benchmark.Runs;
using CoIN.Cli.Hosting;
using CoIN.Cli.Views;

namespace CoIN.Cli.Runs;

/// <summary>The run that is meant by a resume that names none.</summary>
internal static class ResumableRuns
{
    /// <summary>
    /// Which come first: those that did something, those that failed before they had done anything, those that never began.
    /// </summary>
    private enum Rank
    {
        UnderWay,
        FailedAtStart,
        NotBegun,
        None,
    }

    /// <summary>What is to be resumed.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="Experiment">The experiment that it belongs to, all of which goes on; null for a run by itself.</param>
    internal sealed record Resumable(FoundRun Run, ExperimentFolder? Experiment);

    /// <summary>Chooses the latest of those that come first, and says which it is and why not a later one.</summary>
    /// <exception cref="CoinException">There is none.</exception>
    public static async Task<Resumable> ChooseAsync(Host host, RunFolders folders)
    {
        var seen = new List<(string Id, Rank Rank, string How)>();
        foreach (var id in folders.Ids())
        {
            var (rank, how) = await JudgeAsync(host, folders.PathOf(id)).ConfigureAwait(false);
            seen.Add((id, rank, how));
            if (rank == Rank.UnderWay)
            {
                break;
            }
        }

        var chosen = seen.Where(one => one.Rank != Rank.None).OrderBy(one => one.Rank).FirstOrDefault();
        if (chosen.Id is null)
        {
            var reasons = seen.Where(one => one.How != Words.Of(RunStatus.Completed)).Select(one => $" {one.Id} {one.How}.");
            throw new CoinException(
                $"There is no run in {folders.Folder} that could be resumed.{string.Concat(reasons)} ./run.sh runs lists those there are."
            );
        }

        host.Out.WriteLine($"Resuming {chosen.Id}, which {chosen.How}.");
        foreach (var (id, _, how) in seen.TakeWhile(one => one.Id != chosen.Id).Where(one => one.How != Words.Of(RunStatus.Completed)))
        {
            host.Out.WriteLine($"Passed over, although later: {id}, which {how}. To take it: ./run.sh resume {id}");
        }

        return new Resumable(folders.Of(chosen.Id), folders.ExperimentOf(chosen.Id));
    }

    private static async Task<(Rank Rank, string How)> JudgeAsync(Host host, string folder)
    {
        if (host.Engine.IsDriven(folder))
        {
            return (Rank.None, "another process drives");
        }

        try
        {
            return await host.Engine.ReadAsync(folder, CancellationToken.None).ConfigureAwait(false) switch
            {
                null => (Rank.NotBegun, "has not begun"),
                { Status: RunStatus.Completed } => (Rank.None, Words.Of(RunStatus.Completed)),
                { Status: RunStatus.Failed } snapshot when !HasResults(snapshot) => (
                    Rank.FailedAtStart,
                    "failed before its first stage was trained"
                ),
                { Status: RunStatus.Failed } => (Rank.UnderWay, "failed"),
                { Status: RunStatus.Stopped } => (Rank.UnderWay, "was stopped"),
                _ => (Rank.UnderWay, "was interrupted"),
            };
        }
        catch (CoinException)
        {
            return (Rank.None, "cannot be read (./run.sh status says why)");
        }
    }

    private static bool HasResults(RunSnapshot snapshot) =>
        snapshot.StagesTrained > 0 || snapshot.Cells.SelectMany(row => row).Concat(snapshot.ZeroShot).Any(cell => cell is not null);
}
