using CoIN.Benchmark.Experiments;

namespace CoIN.Benchmark.Judging;

/// <summary>Opens judges of one or several kinds. Called from several threads.</summary>
public interface IJudgeFactory
{
    /// <summary>Looks, without loading anything, whether the judge can be opened: its files, its key.</summary>
    /// <exception cref="CoinException">Something is missing; the message says what and the remedy.</exception>
    void Check(JudgeOptions options);

    /// <summary>Opens a judge on the calling thread.</summary>
    /// <param name="device">For local models: <c>cpu</c>, <c>cuda:0</c>, …</param>
    /// <param name="threads">For local models: compute threads.</param>
    /// <exception cref="CoinException">It cannot be opened; the message says why and the remedy.</exception>
    IJudge Open(JudgeOptions options, string device, int threads);
}
