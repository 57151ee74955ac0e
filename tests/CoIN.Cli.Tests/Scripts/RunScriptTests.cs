using CoIN.Cli.Tests.Support;

namespace CoIN.Cli.Tests.Scripts;

/// <summary>The functions of run.sh, called one by one; nothing is built.</summary>
public sealed class RunScriptTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public RunScriptTests() => Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "run.sh needs bash");

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Its_syntax_is_right_and_both_scripts_may_be_executed()
    {
        Assert.Equal(0, Bash("bash -n run.sh && bash -n .ci/run && test -x run.sh && test -x .ci/run").Code);
    }

    [Fact]
    public void The_counts_of_a_report_are_summed()
    {
        var report = folder.Write(
            "r.xml",
            """
            <?xml version="1.0"?><assemblies><assembly name="a" errors="1" failed="2" not-run="4" passed="30" skipped="3" total="40">
            <collection total="7" passed="7" failed="0" skipped="0" /></assembly></assemblies>
            """
        );

        Assert.Equal("30 3 3", Bash($"source run.sh; counts {report}").Out.Trim());
    }

    [Fact]
    public void A_report_of_nothing_counts_nothing()
    {
        var report = folder.Write(
            "r.xml",
            "<assemblies><assembly errors=\"0\" failed=\"0\" passed=\"0\" skipped=\"0\" total=\"0\" /></assemblies>"
        );

        Assert.Equal("0 0 0", Bash($"source run.sh; counts {report}").Out.Trim());
    }

    [Fact]
    public void All_test_projects_are_run_and_the_end_to_end_tests_last()
    {
        var names = Bash("source run.sh; test_projects").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Contains("CoIN.Cli.Tests", names);
        Assert.Equal("CoIN.EndToEnd.Tests", names[^1]);
        Assert.Equal(
            Directory
                .GetFiles(Repository.PathOf("tests"), "*.csproj", SearchOption.AllDirectories)
                .Count(path => path.EndsWith(".Tests.csproj", StringComparison.Ordinal)),
            names.Length
        );
    }

    [Fact]
    public void A_word_chooses_test_projects() =>
        Assert.Equal(
            ["CoIN.Cli.Tests", "CoIN.Mini.Tests"],
            Bash("source run.sh; test_projects mini CLI").Out.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        );

    [Theory]
    [InlineData("8.0.100 [/x]\\n9.0.303 [/x]\\n", "found 9.0.303")]
    [InlineData("", "found none")]
    public void An_old_sdk_is_refused_with_the_remedy(string sdks, string expected)
    {
        Fake("dotnet", $"printf '{sdks}'");

        var (code, _, error) = Bash($"PATH={folder.Path}:$PATH ./run.sh runs");

        Assert.Equal(1, code);
        Assert.Contains(expected, error);
        Assert.Contains("https://dotnet.microsoft.com/download/dotnet/10.0", error);
    }

    [Fact]
    public void It_builds_and_passes_arguments_on_from_the_callers_folder_through_a_link()
    {
        Fake(
            "dotnet",
            "if [[ $1 == --list-sdks ]]; then echo '10.0.100 [/x]'; elif [[ $1 == exec ]]; then shift 2; echo \"$PWD|$COIN_RUNS|$*\"; fi"
        );
        File.CreateSymbolicLink(folder.PathOf("link.sh"), Repository.PathOf("run.sh"));

        var (code, output, _) = Bash($"cd {folder.Path} && unset COIN_RUNS && PATH={folder.Path}:$PATH ./link.sh validate 'a b.hocon'");

        Assert.Equal(0, code);
        Assert.Equal($"{folder.Path}|{Repository.PathOf("runs")}|validate a b.hocon", output.Trim());
    }

    [Fact]
    public void A_checkout_that_may_only_be_read_runs_what_was_built_and_says_when_its_sources_are_newer()
    {
        Fake(
            "dotnet",
            "if [[ $1 == --list-sdks ]]; then echo '10.0.100 [/x]'; elif [[ $1 == build ]]; then echo built; exit 1; else echo \"started ${*:3}\"; fi"
        );
        var program = folder.Write("src/CoIN.Cli/bin/Release/net10.0/coin.dll", "");
        var source = folder.Write("src/CoIN.Cli/Program.cs", "");
        File.SetLastWriteTimeUtc(source, DateTime.UtcNow.AddHours(-1));
        var command = $"source run.sh; PATH={folder.Path}:$PATH; root={folder.Path}; can_build() {{ false; }}; main runs";

        Assert.Equal((0, "started runs", ""), Trimmed(Bash(command)));

        File.SetLastWriteTimeUtc(source, DateTime.UtcNow.AddHours(1));
        var (code, output, error) = Trimmed(Bash(command));
        Assert.Equal((0, "started runs"), (code, output));
        Assert.Contains("its sources have changed since", error);

        File.Delete(program);
        (code, _, error) = Trimmed(Bash(command));
        Assert.Equal(1, code);
        Assert.Contains("is not built yet", error);
    }

    [Fact]
    public void Whether_a_build_may_write_is_seen_by_its_folders()
    {
        Directory.CreateDirectory(folder.PathOf("src", "A", "obj"));
        Directory.CreateDirectory(folder.PathOf("src", "A", "bin"));
        var ask = $"source run.sh; root={folder.Path}; if can_build; then echo yes; else echo no; fi";
        Assert.Equal("yes", Bash(ask).Out.Trim());

        // Permissions are nothing to the superuser: then the question is asked as nobody.
        var superuser = Bash("id -u").Out.Trim() == "0";
        Assert.SkipWhen(superuser && Bash("command -v setpriv").Code != 0, "needs setpriv");
        var nobody = superuser ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : "";
        Assert.Equal(
            "no",
            Bash(
                $"chmod -R a=rX {folder.Path}; cp run.sh {folder.Path}.sh; chmod a+r {folder.Path}.sh; {nobody}bash -c \"{ask.Replace("run.sh", $"{folder.Path}.sh", StringComparison.Ordinal)}\"; chmod -R u+w {folder.Path}; rm -f {folder.Path}.sh"
            )
                .Out.Trim()
        );
    }

    [Fact]
    public void In_a_pipe_a_build_that_takes_its_time_is_announced_once_and_one_that_has_nothing_to_do_is_not()
    {
        Fake("dotnet", "if [[ $1 == --list-sdks ]]; then echo '10.0.100 [/x]'; fi");
        var source = folder.Write("src/CoIN.Cli/Program.cs", "");
        var command = $"source run.sh; PATH={folder.Path}:$PATH; root={folder.Path}; main runs";
        Assert.Equal((0, "", "Building…"), Trimmed(Bash(command)));

        folder.Write("src/CoIN.Cli/bin/Release/net10.0/coin.dll", "");
        File.SetLastWriteTimeUtc(source, DateTime.UtcNow.AddHours(-1));
        Assert.Equal((0, "", ""), Trimmed(Bash(command)));

        File.SetLastWriteTimeUtc(source, DateTime.UtcNow.AddHours(1));
        Assert.Equal((0, "", "Building…"), Trimmed(Bash(command)));
    }

    [Fact]
    public void Bench_builds_and_starts_the_measurements()
    {
        Fake("dotnet", "if [[ $1 == --list-sdks ]]; then echo '10.0.100 [/x]'; elif [[ $1 == exec ]]; then echo \"${2##*/} ${*:3}\"; fi");
        var (code, output, _) = Bash($"COIN_MALLOC=system PATH={folder.Path}:$PATH ./run.sh bench memory --threads 1");
        Assert.Equal(0, code);
        Assert.Equal("coin-speed.dll memory --threads 1", output.Trim());
    }

    [Theory]
    [InlineData(":", "/lib/libtcmalloc_minimal.so.4")]
    [InlineData("COIN_MALLOC=system", "")]
    [InlineData("LD_PRELOAD=/mine.so", "/mine.so")]
    public void Tcmalloc_is_used_where_the_system_has_it_unless_told_otherwise(string setting, string expected)
    {
        Fake(
            "ldconfig",
            """
            echo 'libtcmalloc_minimal_debug.so.4 (libc6,x86-64) => /lib/libtcmalloc_minimal_debug.so.4'
            echo 'libtcmalloc_minimal.so.4 (libc6) => /lib32/libtcmalloc_minimal.so.4'
            echo 'libtcmalloc_minimal.so.4 (libc6,x86-64) => /lib/libtcmalloc_minimal.so.4'
            echo 'libtcmalloc.so.4 (libc6,x86-64) => /lib/libtcmalloc.so.4'
            """
        );
        Assert.Equal(
            expected,
            Bash($"source run.sh; PATH={folder.Path}:$PATH; unset LD_PRELOAD; {setting}; prefer_tcmalloc; echo \"${{LD_PRELOAD:-}}\"")
                .Out.Trim()
        );
        Assert.Equal(
            "0",
            Bash(
                $"source run.sh; PATH={folder.Path}:$PATH; unset LD_PRELOAD TCMALLOC_RELEASE_RATE; prefer_tcmalloc; echo $TCMALLOC_RELEASE_RATE"
            )
                .Out.Trim()
        );
        Assert.Equal(
            "5",
            Bash(
                $"source run.sh; PATH={folder.Path}:$PATH; unset LD_PRELOAD; TCMALLOC_RELEASE_RATE=5; prefer_tcmalloc; echo $TCMALLOC_RELEASE_RATE"
            )
                .Out.Trim()
        );
        Fake("ldconfig", "exit 1");
        Assert.Equal(
            "",
            Bash($"source run.sh; PATH={folder.Path}:$PATH; unset LD_PRELOAD; prefer_tcmalloc; echo \"${{LD_PRELOAD:-}}\"").Out.Trim()
        );
    }

    [Fact]
    public void A_build_that_fails_shows_its_log()
    {
        Fake("dotnet", "if [[ $1 == --list-sdks ]]; then echo '10.0.100 [/x]'; else echo 'error CS1002: ; expected'; exit 1; fi");

        var (code, output, error) = Bash($"PATH={folder.Path}:$PATH ./run.sh runs");

        Assert.Equal((1, ""), (code, output));
        Assert.Contains("error CS1002", error);
    }

    [Theory]
    [InlineData("passed=\"3\" failed=\"0\" skipped=\"0\" errors=\"0\"", 0, "3 passed, 0 failed", 0)]
    [InlineData("passed=\"3\" failed=\"1\" skipped=\"2\" errors=\"0\"", 1, "3 passed, 1 failed, 2 skipped", 1)]
    [InlineData("passed=\"0\" failed=\"0\" skipped=\"0\" errors=\"0\"", 0, "0 passed, 0 failed", 1)]
    [InlineData("passed=\"3\" failed=\"0\" skipped=\"0\" errors=\"0\"", 134, "3 passed, 1 failed", 1)]
    public void The_last_line_of_a_test_run_counts_and_decides_the_exit_code(string counts, int status, string line, int code)
    {
        Fake(
            "dotnet",
            $$"""
            case $1 in
              --list-sdks) echo '10.0.100 [/x]' ;;
              exec) while [[ $1 != -xml ]]; do shift; done; echo '<assembly {{counts}} />' > "$2"; exit {{status}} ;;
            esac
            """
        );

        var result = Bash($"PATH={folder.Path}:$PATH ./run.sh test Cli");

        Assert.Equal((code, line), (result.Code, result.Out.TrimEnd().Split('\n')[^1]));
    }

    [Fact]
    public void Parity_chooses_tests_by_their_trait()
    {
        Fake(
            "dotnet",
            """
            case $1 in
              --list-sdks) echo '10.0.100 [/x]' ;;
              exec) echo "$*"; while [[ $1 != -xml ]]; do shift; done; echo '<assembly passed="1" failed="0" skipped="0" errors="0" />' > "$2" ;;
            esac
            """
        );

        Assert.Contains("-trait Category=Parity", Bash($"PATH={folder.Path}:$PATH ./run.sh test parity models").Out);
    }

    [Fact]
    public void A_bundle_says_how_it_is_made_and_refuses_what_it_does_not_know()
    {
        Fake("dotnet", "echo '10.0.100 [/x]'");
        Assert.Equal(
            0,
            Bash(
                "bash -n packaging/bundle.sh && bash -n packaging/coin && bash -n packaging/libtorch.sh && test -x packaging/bundle.sh && test -x packaging/coin"
            ).Code
        );
        Assert.Contains("--out FILE", Bash($"PATH={folder.Path}:$PATH ./run.sh bundle --help").Out);
        Assert.Equal(2, Bash($"PATH={folder.Path}:$PATH ./run.sh bundle --into x").Code);
        var nowhere = Bash($"PATH={folder.Path}:$PATH ./run.sh bundle --out {folder.Path}/none/x.tar.xz");
        Assert.Equal(1, nowhere.Code);
        Assert.Contains("/none does not exist", nowhere.Error);
    }

    [Fact]
    public void A_bundles_command_finds_the_libtorch_of_the_hosts_python()
    {
        var start = Bundle();
        Fake("python3", "echo /py/torch/lib");

        Assert.Equal(
            $"/py/torch/lib {folder.Path}/runs doctor --x",
            Bash($"cd / && PATH={folder.Path}:$PATH {start} doctor --x").Out.Trim()
        );
        Assert.StartsWith("/own ", Bash($"COIN_LIBTORCH=/own PATH={folder.Path}:$PATH {start} doctor").Out);
        Assert.EndsWith($"run {folder.Path}/hocon/mini.hocon", Bash($"PATH={folder.Path}:$PATH {start}").Out.Trim());
    }

    [Fact]
    public void A_bundles_command_takes_no_folder_named_torch_for_PyTorch()
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "torch", "lib"));
        var found = Bash($"cd {folder.Path} && unset COIN_LIBTORCH && {Bundle()} doctor").Out;
        Assert.DoesNotContain($"{folder.Path}/torch", found, StringComparison.Ordinal);
    }

    /// <summary>The command of a bundle whose program tells what it was given.</summary>
    private string Bundle()
    {
        Directory.CreateDirectory(Path.Combine(folder.Path, "app"));
        Fake("app/coin", "echo \"${COIN_LIBTORCH:-none} $COIN_RUNS $*\"");
        File.Copy(Repository.PathOf("packaging/coin"), Path.Combine(folder.Path, "start"));
        File.Copy(Repository.PathOf("packaging/libtorch.sh"), Path.Combine(folder.Path, "libtorch.sh"));
        return $"env -u COIN_RUNS {folder.Path}/start";
    }

    private static (int Code, string Out, string Error) Trimmed((int Code, string Out, string Error) ended) =>
        (ended.Code, ended.Out.Trim(), ended.Error.Trim());

    private void Fake(string command, string script) => Shell.Fake(folder.PathOf(command), script);

    private static (int Code, string Out, string Error) Bash(string command) => Shell.Bash(command);
}
