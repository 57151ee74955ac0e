using CoIN.Benchmark;
using CoIN.Models.Devices;
using CoIN.Models.Torch;

namespace CoIN.Models.Tests.Torch;

public sealed class ExternalLibtorchTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("coin-libtorch-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_folder_that_is_not_there_is_named_with_the_variable()
    {
        var fault = Assert.Throws<CoinException>(() => ExternalLibtorch.Present(Path.Combine(folder, "none")));
        Assert.Contains("COIN_LIBTORCH", fault.Message, StringComparison.Ordinal);
        Assert.Contains("no such folder", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_libtorch_is_refused() =>
        Assert.Contains(
            "libtorch_cpu.so",
            Assert.Throws<CoinException>(() => ExternalLibtorch.Present(folder)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_build_with_a_libtorch_of_its_own_is_refused_with_how_to_build_without()
    {
        ExternalLibtorch.RefuseBesidePackaged("/torch/lib", folder);
        File.WriteAllText(Path.Combine(folder, "libtorch_cpu.so"), "");
        Assert.Contains(
            "-p:TorchBackend=none",
            Assert.Throws<CoinException>(() => ExternalLibtorch.RefuseBesidePackaged("/torch/lib", folder)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Libraries_for_CUDA_are_used_where_they_are_in_the_order_of_their_needs()
    {
        foreach (var name in new[] { "libtorch.so", "libtorch_cuda.so", "libtorch_cpu.so", "libc10.so", "libc10_cuda.so", "libother.so" })
        {
            File.WriteAllText(Path.Combine(folder, name), "");
        }

        Assert.Equal(
            ["libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"],
            ExternalLibtorch.Present(folder)
        );
    }

    [Fact]
    public void Another_version_is_told_by_a_function_that_it_lacks()
    {
        File.WriteAllText(Path.Combine(folder, "version.py"), "from typing import Optional\n__version__ = '2.14.0+cu130'\n");
        var lib = Path.Combine(folder, "lib");
        var fault = Assert.Throws<CoinException>(() => ExternalLibtorch.CheckSymbols(lib, ["a", "b", "c"], symbol => symbol == "b"));
        Assert.Contains("2.14.0+cu130", fault.Message, StringComparison.Ordinal);
        Assert.Contains("lacks 2 of the functions", fault.Message, StringComparison.Ordinal);
        ExternalLibtorch.CheckSymbols(lib, ["b"], symbol => symbol == "b");
    }

    [Fact]
    public void What_TorchSharp_takes_from_libtorch_is_read_from_its_library()
    {
        var library = new[] { AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native") }
            .Select(place => Path.Combine(place, TorchLibrary.FileName))
            .First(File.Exists);
        var undefined = ElfSymbols.Undefined(File.ReadAllBytes(library));
        Assert.True(undefined.Count > 500);
        Assert.Contains(undefined, symbol => symbol.StartsWith("_ZN2at", StringComparison.Ordinal));
        Assert.DoesNotContain(undefined, symbol => symbol.StartsWith("THSTensor_", StringComparison.Ordinal));
        Assert.Throws<InvalidDataException>(() => ElfSymbols.Undefined(new byte[100]));
    }

    [Fact]
    public void The_packaged_libtorch_is_told_with_where_it_was_loaded_from()
    {
        var status = TorchStatus.Read();
        Assert.True(status.IsPackaged);
        Assert.True(File.Exists(Path.Combine(status.Folder, "libtorch_cpu.so")));
        Assert.True(status.Gigaflops > 0);
    }
}
