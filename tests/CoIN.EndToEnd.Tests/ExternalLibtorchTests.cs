using CoIN.EndToEnd.Tests.Support;
using Newtonsoft.Json.Linq;

namespace CoIN.EndToEnd.Tests;

/// <summary>The command with a libtorch that COIN_LIBTORCH names: the packaged one's files, seen through another folder.</summary>
public sealed class ExternalLibtorchTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly string folder = Directory.CreateTempSubdirectory("coin-external-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_program_without_libtorch_works_with_another_folders()
    {
        var library = await PackagedAsAsync("2.10.0+test");
        var (code, output) = await DoctorAsync(library, ProgramWithoutLibtorch());
        Assert.True(code == 0, output);
        Assert.Contains($"2.10.0+test (COIN_LIBTORCH) in {library}", output, StringComparison.Ordinal);
        Assert.Contains("GFLOP/s", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_version_is_tried_in_a_process_of_its_own_and_used_where_its_numbers_are_right()
    {
        var library = await PackagedAsAsync("2.11.3+test");
        var program = ProgramWithoutLibtorch();
        var (code, output) = await DoctorAsync(library, program);
        Assert.True(code == 0, output);
        Assert.Contains(
            $"2.11.3+test (COIN_LIBTORCH) in {library}; this program is built for another version: 8 computations on cpu",
            output,
            StringComparison.Ordinal
        );

        // What is remembered of it is all that stands between a libtorch and its use, so it is not believed for other files.
        var remembered = Assert.Single(Directory.EnumerateFiles(Path.Combine(folder, "cache", "coin")));
        var text = await File.ReadAllTextAsync(remembered, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            remembered,
            text.Replace(":8,", ":88,", StringComparison.Ordinal),
            TestContext.Current.CancellationToken
        );
        Assert.Contains("88 computations", (await DoctorAsync(library, program)).Output, StringComparison.Ordinal);
        File.CreateSymbolicLink(Path.Combine(library, "libanother.so"), Path.Combine(library, "libtorch.so"));
        Assert.Contains(
            "8 computations",
            (await DoctorAsync(library, program)).Output.Replace("88", "", StringComparison.Ordinal),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Another_version_that_cannot_be_used_is_told_with_where_it_failed()
    {
        var library = await PackagedAsAsync("2.14.1");
        File.Delete(Path.Combine(library, "libc10.so"));
        await File.WriteAllTextAsync(Path.Combine(library, "libc10.so"), "no library", TestContext.Current.CancellationToken);
        var (code, output) = await DoctorAsync(library, ProgramWithoutLibtorch());
        Assert.True(code == 1, output);
        Assert.Contains(
            "is 2.14.1; this program is built for 2.10. Tried in a process of its own, it failed",
            output,
            StringComparison.Ordinal
        );
        Assert.Contains("(loading it)", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_are_no_libraries_are_told()
    {
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            await File.WriteAllTextAsync(Path.Combine(folder, name), "no library", TestContext.Current.CancellationToken);
        }

        var (code, output) = await DoctorAsync(folder, ProgramWithoutLibtorch());
        Assert.True(code == 1, output);
        Assert.Contains("BAD   libtorch", output, StringComparison.Ordinal);
        Assert.Contains("libc10.so cannot be loaded", output, StringComparison.Ordinal);
    }

    /// <summary>The packaged libtorch's files in a folder of another version's name.</summary>
    private async Task<string> PackagedAsAsync(string version)
    {
        var packaged = Path.GetDirectoryName(
            Directory.EnumerateFiles(AppContext.BaseDirectory, "libtorch_cpu.so", SearchOption.AllDirectories).First()
        )!;
        var library = Directory.CreateDirectory(Path.Combine(folder, "torch", "lib")).FullName;
        foreach (var file in Directory.EnumerateFiles(packaged).Where(IsLibtorchs))
        {
            File.CreateSymbolicLink(Path.Combine(library, Path.GetFileName(file)), file);
        }

        await File.WriteAllTextAsync(
            Path.Combine(folder, "torch", "version.py"),
            $"__version__ = '{version}'\n",
            TestContext.Current.CancellationToken
        );
        return library;
    }

    private static bool IsLibtorchs(string file) =>
        Path.GetFileName(file) is var name
        && (
            name.StartsWith("libtorch", StringComparison.Ordinal)
            || name.StartsWith("libc10", StringComparison.Ordinal)
            || name.StartsWith("libgomp", StringComparison.Ordinal)
        );

    /// <summary>
    /// The program as -p:TorchBackend=none builds it: links to everything but libtorch, and a list of dependencies without it.
    /// </summary>
    private string ProgramWithoutLibtorch()
    {
        var program = ProgramFolder.Make(Path.Combine(folder, "program"), file => !IsLibtorchs(file));
        var list = Path.Combine(program, "coin.deps.json");
        var json = JObject.Parse(File.ReadAllText(list));
        foreach (
            var libtorch in json.Descendants()
                .OfType<JProperty>()
                .Where(property => property.Name.StartsWith("libtorch-cpu", StringComparison.Ordinal))
                .ToList()
        )
        {
            libtorch.Remove();
        }

        File.WriteAllText(list, json.ToString());
        return program;
    }

    private async Task<(int Code, string Output)> DoctorAsync(string library, string program)
    {
        using var coin = CoinProcess.StartWith(
            new Dictionary<string, string> { ["COIN_LIBTORCH"] = library, ["XDG_CACHE_HOME"] = Path.Combine(folder, "cache") },
            program,
            "doctor",
            "--runs",
            Path.Combine(folder, "runs")
        );
        await coin.EndAsync(Longest);
        return (coin.ExitCode, coin.Output);
    }
}
