using CoIN.Cli.Commands;
using CoIN.Cli.Diagnosis;
using CoIN.Cli.Hosting;
using CoIN.Cli.Tests.Support;
using CoIN.Models.Devices;

namespace CoIN.Cli.Tests.Diagnosis;

public sealed class DoctorTests
{
    private const long GiB = 1L << 30;

    private static readonly TorchStatus Cpu = new(
        "/lib/torch",
        IsPackaged: true,
        "2.10",
        CudaDevices: 0,
        Gigaflops: 100,
        Threads: 2,
        OwnKernels: false,
        Allocator: "malloc"
    );

    private static readonly HostFacts Healthy = new()
    {
        System = "Linux, X64",
        Runtime = ".NET 10",
        Cores = 8,
        MemoryBytes = 64 * GiB,
        Torch = (Cpu, null),
        GraphicsProcessors = [],
        RunsFolder = "/runs",
        FreeDiskBytes = 500 * GiB,
        Journal = (900, null),
        WaitPolicy = "passive",
    };

    [Fact]
    public void The_allocator_counts_where_the_CPU_trains()
    {
        Assert.Contains(
            "tcmalloc-minimal4",
            Assert.Single(Doctor.Examine(Healthy), finding => finding.Part == "allocator").Text,
            StringComparison.Ordinal
        );
        Assert.Equal(
            "tcmalloc",
            Assert
                .Single(Doctor.Examine(Healthy with { Torch = (Cpu with { Allocator = "tcmalloc" }, null) }), finding =>
                    finding.Part == "allocator"
                )
                .Text
        );
        Assert.DoesNotContain(Doctor.Examine(Healthy with { Torch = (Cpu with { CudaDevices = 1 }, null) }), finding =>
            finding.Part == "allocator"
        );
    }

    [Fact]
    public void A_healthy_host_needs_nothing() =>
        Assert.All(Doctor.Examine(Healthy), finding => Assert.Equal((Health.Good, null), (finding.Health, finding.Remedy)));

    [Fact]
    public void A_GPU_that_this_libtorch_cannot_use_is_shown_with_what_to_install()
    {
        var findings = Doctor.Examine(Healthy with { GraphicsProcessors = [new(0, "A100", 80 * GiB, 79 * GiB)] });
        Assert.Contains(findings, finding =>
            finding.Part == "cuda:0" && finding.Text.Contains("A100, 80.0 GiB of memory, 79.0 GiB free", StringComparison.Ordinal)
        );
        var cuda = Assert.Single(findings, finding => finding.Part == "CUDA");
        Assert.Equal(Health.Doubtful, cuda.Health);
        Assert.Contains("COIN_LIBTORCH", cuda.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_GPU_that_libtorch_can_use_is_good()
    {
        var findings = Doctor.Examine(
            Healthy with
            {
                Torch = (Cpu with { CudaDevices = 1 }, null),
                GraphicsProcessors = [new(0, "A100", 80 * GiB, 79 * GiB)],
            }
        );
        Assert.Equal(Health.Good, Assert.Single(findings, finding => finding.Part == "CUDA").Health);
    }

    [Theory]
    [InlineData("libtorch")]
    [InlineData("journal")]
    [InlineData("disk")]
    public void What_stops_every_run_is_bad_and_says_why(string part)
    {
        var facts = part switch
        {
            "libtorch" => Healthy with { Torch = (null, "do this") },
            "journal" => Healthy with { Journal = (null, "do this") },
            _ => Healthy with { FreeDiskBytes = GiB / 2 },
        };
        var finding = Assert.Single(Doctor.Examine(facts), finding => finding.Health == Health.Bad);
        Assert.Equal(part, finding.Part);
        Assert.NotNull(finding.Remedy);
    }

    [Fact]
    public void It_says_whose_kernels_the_speed_is()
    {
        string Says(bool own) =>
            Doctor
                .Examine(Healthy with { Torch = (Cpu with { OwnKernels = own }, null) })
                .Single(finding => finding.Part == "libtorch")
                .Text;
        Assert.EndsWith("100 GFLOP/s in float32 with 2 threads", Says(false), StringComparison.Ordinal);
        Assert.EndsWith("with 2 threads by kernels of its own (AVX-512)", Says(true), StringComparison.Ordinal);
    }

    [Fact]
    public void Spinning_threads_little_memory_little_disk_and_a_slow_journal_are_noted()
    {
        string[] Noted(HostFacts facts) =>
            [.. Doctor.Examine(facts).Where(finding => finding.Health == Health.Doubtful).Select(finding => finding.Part)];
        Assert.Equal(["computer"], Noted(Healthy with { WaitPolicy = null }));
        Assert.Equal(["computer"], Noted(Healthy with { MemoryBytes = 2 * GiB }));
        Assert.Equal(["disk"], Noted(Healthy with { FreeDiskBytes = 5 * GiB }));
        Assert.Equal(["journal"], Noted(Healthy with { Journal = (3, null) }));
    }

    [Fact]
    public async Task The_command_examines_the_folder_of_runs_and_leaves_nothing_in_it()
    {
        using var line = new CommandLine();
        Assert.Equal(ExitCodes.Done, await line.InvokeAsync("doctor", "--runs", line.Runs));
        Assert.Contains("libtorch", line.Out, StringComparison.Ordinal);
        Assert.Contains("Runs will work here.", line.Out, StringComparison.Ordinal);
        Assert.False(Directory.Exists(line.Runs));
    }

    [Fact]
    public async Task A_folder_that_cannot_hold_runs_is_told_with_exit_status_1()
    {
        using var line = new CommandLine();
        line.Folder.Write("file", "");
        Assert.Equal(ExitCodes.Fault, await line.InvokeAsync("doctor", "--runs", line.Folder.PathOf("file")));
        Assert.Contains("BAD   journal", line.Out, StringComparison.Ordinal);
        Assert.Contains("--runs", line.Out, StringComparison.Ordinal);
    }
}
