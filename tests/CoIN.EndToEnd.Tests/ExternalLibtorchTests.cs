using CoIN.EndToEnd.Tests.Support;

namespace CoIN.EndToEnd.Tests;

/// <summary>The command with a libtorch that COIN_LIBTORCH names: the packaged one's files in another folder.</summary>
public sealed class ExternalLibtorchTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    private readonly string folder = Directory.CreateTempSubdirectory("coin-external-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Another_folders_libtorch_is_used_in_place_of_the_packaged_one()
    {
        var packaged = Path.GetDirectoryName(Directory.EnumerateFiles(AppContext.BaseDirectory, "libtorch_cpu.so", SearchOption.AllDirectories).First())!;
        var library = Directory.CreateDirectory(Path.Combine(folder, "torch", "lib")).FullName;
        foreach (var file in Directory.EnumerateFiles(packaged, "lib*.so*").Where(file => !Path.GetFileName(file).Contains("TorchSharp", StringComparison.Ordinal)))
        {
            File.CreateSymbolicLink(Path.Combine(library, Path.GetFileName(file)), file);
        }

        // A copy, not a link: the loader would take a link for the file it leads to.
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            File.Delete(Path.Combine(library, name));
            File.Copy(Path.Combine(packaged, name), Path.Combine(library, name));
        }

        await File.WriteAllTextAsync(Path.Combine(folder, "torch", "version.py"), "__version__ = '2.10.0+test'\n", TestContext.Current.CancellationToken);
        var (code, output) = await DoctorAsync(library);
        Assert.True(code == 0, output);
        Assert.Contains($"2.10.0+test (COIN_LIBTORCH) in {library}", output, StringComparison.Ordinal);
        Assert.Contains("GFLOP/s", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_library_that_is_none_is_told_and_the_packaged_one_does_not_step_in()
    {
        foreach (var name in new[] { "libc10.so", "libtorch_cpu.so", "libtorch.so" })
        {
            await File.WriteAllTextAsync(Path.Combine(folder, name), "no library", TestContext.Current.CancellationToken);
        }

        var (code, output) = await DoctorAsync(folder);
        Assert.True(code == 1, output);
        Assert.Contains("BAD   libtorch", output, StringComparison.Ordinal);
        Assert.Contains("libc10.so cannot be loaded", output, StringComparison.Ordinal);
    }

    private async Task<(int Code, string Output)> DoctorAsync(string library)
    {
        using var coin = CoinProcess.StartWith(
            new Dictionary<string, string> { ["COIN_LIBTORCH"] = library }, "doctor", "--runs", Path.Combine(folder, "runs"));
        await coin.EndAsync(Longest);
        return (coin.ExitCode, coin.Output);
    }
}
