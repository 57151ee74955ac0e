using CoIN.Benchmark;
using static System.FormattableString;

namespace CoIN.Cli.Diagnosis;

/// <summary>Judges a host's facts: what is fit for runs, what is not, and what to do.</summary>
internal static class Doctor
{
    private const double GiB = 1L << 30;

    // The miniature takes about 1 GB, the smallest LLaVA more than 16; a run's checkpoints and adapters of a 7B model some 6 GB.
    private const double LittleMemory = 4;
    private const double LittleDisk = 10;
    private const double NoDisk = 1;
    private const double SlowJournal = 20;

    public static IReadOnlyList<Finding> Examine(HostFacts facts) =>
        [System(facts), Memory(facts), Libtorch(facts), .. Allocator(facts), .. Cuda(facts), Disk(facts), Journal(facts)];

    private static Finding System(HostFacts facts) => new("system", Health.Good, $"{facts.System}; {facts.Runtime}");

    private static Finding Memory(HostFacts facts)
    {
        var (memory, spinning) = (facts.MemoryBytes / GiB, !string.Equals(facts.WaitPolicy, "passive", StringComparison.OrdinalIgnoreCase));
        var text = Invariant($"{facts.Cores} cores, {memory:0.0} GiB of memory");
        return memory < LittleMemory
                ? new(
                    "computer",
                    Health.Doubtful,
                    text,
                    "Enough for the miniature, too little for a LLaVA of 7 billion parameters: coin plan tells what a run needs."
                )
            : spinning
                ? new(
                    "computer",
                    Health.Doubtful,
                    text,
                    "Trainer and evaluators share the cores, but waiting threads spin. Set OMP_WAIT_POLICY=passive (run.sh does)."
                )
            : new("computer", Health.Good, text);
    }

    private static Finding Libtorch(HostFacts facts) =>
        facts.Torch switch
        {
            { Fault: { } fault } => new("libtorch", Health.Bad, "cannot be used", fault),
            { Status: { } status } => new(
                "libtorch",
                Health.Good,
                Invariant(
                    $"{status.Version ?? "of unknown version"} {(status.IsPackaged ? "(packaged)" : "(COIN_LIBTORCH)")} in {status.Folder}; "
                )
                    + (
                        status.Trial is { } trial
                            ? Invariant(
                                $"this program is built for another version: {trial.Computations} computations on {string.Join(" and ", trial.Devices)} gave the right numbers; "
                            )
                            : ""
                    )
                    + Invariant(
                        $"{status.Gigaflops:0} GFLOP/s in float32 with {Plural.Of(status.Threads, "thread")}{(status.OwnKernels ? " by kernels of its own (AVX-512)" : "")}"
                    )
            ),
            _ => new("libtorch", Health.Bad, "not examined"),
        };

    /// <summary>Of hosts that train on the CPU: on others tensors' memory is the card's.</summary>
    private static IEnumerable<Finding> Allocator(HostFacts facts)
    {
        if (facts.Torch.Status is { CudaDevices: 0 } status)
        {
            yield return status.Allocator == "malloc"
                ? new(
                    "allocator",
                    Health.Good,
                    "the C library's malloc; with tcmalloc training takes up to a third less memory (Debian: apt install libtcmalloc-minimal4; run.sh uses it)"
                )
                : new("allocator", Health.Good, status.Allocator);
        }
    }

    private static IEnumerable<Finding> Cuda(HostFacts facts)
    {
        var usable = facts.Torch.Status?.CudaDevices ?? 0;
        if (facts.GraphicsProcessors.Count == 0 && usable == 0)
        {
            yield return new("CUDA", Health.Good, "no NVIDIA GPU or no driver: runs go on the CPU");
            yield break;
        }

        foreach (var gpu in facts.GraphicsProcessors)
        {
            yield return new(
                $"cuda:{gpu.Index}",
                Health.Good,
                Invariant($"{gpu.Name}, {gpu.TotalBytes / GiB:0.0} GiB of memory, {gpu.FreeBytes / GiB:0.0} GiB free")
            );
        }

        yield return usable > 0
            ? new("CUDA", Health.Good, Invariant($"this libtorch can use {Plural.Of(usable, "device")}: set coin.node.devices"))
            : new(
                "CUDA",
                Health.Doubtful,
                "this libtorch cannot use the GPUs",
                "Install PyTorch 2.10 with CUDA (pip install torch==2.10.*) and set COIN_LIBTORCH to its torch/lib folder, or build with -p:TorchBackend=cuda."
            );
    }

    private static Finding Disk(HostFacts facts)
    {
        if (facts.FreeDiskBytes is not { } bytes)
        {
            return new(
                "disk",
                Health.Bad,
                $"no such disk: {facts.RunsFolder}",
                "Name another folder with --runs, coin.node.runs or COIN_RUNS."
            );
        }

        var text = Invariant($"{bytes / GiB:0.0} GiB free for runs in {facts.RunsFolder}");
        return (bytes / GiB) switch
        {
            < NoDisk => new(
                "disk",
                Health.Bad,
                text,
                "Free space, or name a folder on another disk with --runs, coin.node.runs or COIN_RUNS."
            ),
            < LittleDisk => new(
                "disk",
                Health.Doubtful,
                text,
                "Enough for the miniature; adapters and checkpoints of a 7B model take some gigabytes each."
            ),
            _ => new("disk", Health.Good, text),
        };
    }

    private static Finding Journal(HostFacts facts) =>
        facts.Journal switch
        {
            { Fault: { } fault } => new("journal", Health.Bad, "cannot be written", fault),
            { PerSecond: { } speed } => speed < SlowJournal
                ? new(
                    "journal",
                    Health.Doubtful,
                    Invariant($"SQLite, {speed:0} events a second"),
                    "That is slow: a folder on a local disk is better than one on a network."
                )
                : new("journal", Health.Good, Invariant($"SQLite, {speed:#,0} events a second")),
            _ => new("journal", Health.Bad, "not examined"),
        };
}
