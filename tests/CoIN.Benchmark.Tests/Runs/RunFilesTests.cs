using System.Diagnostics;
using System.Runtime.Versioning;
using CoIN.Benchmark.Files;
using CoIN.Benchmark.Runs;
using CoIN.Benchmark.Tests.Support;

namespace CoIN.Benchmark.Tests.Runs;

[UnsupportedOSPlatform("windows")]
public sealed class RunFilesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void An_old_checkpoint_that_cannot_be_deleted_is_named_and_the_others_are_deleted()
    {
        var (first, second, third) = (Checkpoint(1), Checkpoint(2), Checkpoint(3));
        File.WriteAllText(Path.Combine(first, "state"), "x");
        using var kept = new Undeletable(first);
        var warnings = new List<string>();
        RunFiles.DeleteCheckpoints(folder.Path, 1, "Task1", before: RunPaths.Checkpoint(1, "Task1", 3), warnings.Add);
        Assert.Contains(first, Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal((true, false, true), (Directory.Exists(first), Directory.Exists(second), Directory.Exists(third)));

        RunFiles.DeleteCheckpoints(folder.Path, 1, "Task1", before: null, warnings.Add);
        Assert.Equal(2, warnings.Count);
    }

    [Fact]
    public void A_file_that_cannot_be_deleted_is_named_and_the_others_are_deleted()
    {
        Directory.CreateDirectory(folder.File("a"));
        File.WriteAllText(folder.File("b"), "");
        var warnings = new List<string>();
        RunFiles.Delete(folder.Path, ["a", "b", "none"], warnings.Add);
        Assert.Contains(folder.File("a"), Assert.Single(warnings), StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("b")));
    }

    [Fact]
    public void An_adapter_gets_its_place_once_and_one_that_is_gone_is_missed()
    {
        var place = RunPaths.Adapter(1, "Task1");
        Directory.CreateDirectory(folder.File(place + "-t3.1"));
        File.WriteAllText(folder.File(place + "-t3.1/weights"), "x");
        Directory.CreateDirectory(folder.File(place));
        File.WriteAllText(folder.File(place + "/weights"), "of a former assignment");
        var sha256 = Durable.Sha256OfFolder(folder.File(place + "-t3.1"));
        RunFiles.PutInPlace(folder.Path, place + "-t3.1", place, sha256);
        Assert.Equal("x", File.ReadAllText(folder.File(place + "/weights")));

        RunFiles.PutInPlace(folder.Path, place + "-t3.1", place, sha256);
        Assert.Throws<CoinException>(() => RunFiles.PutInPlace(folder.Path, place + "-t3.2", place, "other"));
    }

    [Fact]
    public void Of_a_run_that_ended_everything_goes_that_workers_left_who_were_cut_off()
    {
        var state = States.Begun(TinyExperiments.Of(1)).With(new RunTakenUp("h", 1)).WithStages(folder.Path, 1);
        var adapter = RunPaths.Adapter(1, "Task1");
        foreach (var left in new[] { adapter + "-t3.1", adapter + "-t3.2.partial-12345678", RunPaths.Checkpoint(1, "Task1", 5) + "-t3.1" })
        {
            Directory.CreateDirectory(folder.File(left));
        }

        RunFiles.Tidy(folder.Path, state, Assert.Fail);
        Assert.Equal([folder.File(adapter)], Directory.GetDirectories(Path.GetDirectoryName(folder.File(adapter))!));
    }

    private string Checkpoint(int step) => Directory.CreateDirectory(folder.File(RunPaths.Checkpoint(1, "Task1", step))).FullName;

    /// <summary>A folder whose files may not be deleted, by its permissions or, for root, by an attribute of the file system.</summary>
    private sealed class Undeletable : IDisposable
    {
        private readonly string folder;
        private readonly UnixFileMode mode;

        public Undeletable(string folder)
        {
            (this.folder, mode) = (folder, File.GetUnixFileMode(folder));
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            Assert.SkipUnless(!Environment.IsPrivilegedProcess || Attribute("+i"), "root may delete everything in this file system");
        }

        public void Dispose()
        {
            if (Environment.IsPrivilegedProcess)
            {
                Attribute("-i");
            }

            File.SetUnixFileMode(folder, mode);
        }

        private bool Attribute(string change)
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo("chattr", [change, folder]) { RedirectStandardError = true })!;
                process.WaitForExit();
                return process.ExitCode == 0;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                return false;
            }
        }
    }
}
