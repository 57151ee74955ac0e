using System.Text;
using CoIN.Models.Torch;
using TorchSharp;

namespace CoIN.Models.Tests.Torch;

public sealed class TorchLibraryTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("coin-torch-library-").FullName;

    private static string Original =>
        new[] { AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native") }
            .Select(place => Path.Combine(place, "libLibTorchSharp.so"))
            .First(File.Exists);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Torch_loads_and_computes_on_this_host()
    {
        TorchLibrary.EnsureLoadable();
        using var three = torch.ones(3).sum();
        Assert.Equal(3f, three.item<float>());
    }

    [Fact]
    public void A_version_that_the_host_lacks_becomes_weak_in_a_new_file_and_other_links_keep_the_old_one()
    {
        var library = Copy("a.so", weak: false);
        var link = Path.Combine(folder, "link.so");
        File.CreateSymbolicLink(link, library);
        var kept = Path.Combine(folder, "kept.so");
        File.Copy(library, kept);
        var time = File.GetLastWriteTimeUtc(library);

        var used = TorchLibrary.Adapt(library, Encoding.ASCII.GetBytes("GLIBCXX_3.4\0"));

        Assert.Equal(library, used);
        Assert.Equal(new FileInfo(kept).Length, new FileInfo(library).Length);
        Assert.Equal(time, File.GetLastWriteTimeUtc(library));
        Assert.All(CxxNeeds(library).Where(need => need.Version != "GLIBCXX_3.4"), need => Assert.True(need.IsWeak));
        Assert.Contains(CxxNeeds(kept), need => !need.IsWeak && need.Version != "GLIBCXX_3.4");
        Assert.Contains(CxxNeeds(library), need => need is { Version: "GLIBCXX_3.4", IsWeak: false } or { Version: "GLIBCXX_3.4.32" });
    }

    [Fact]
    public void A_host_that_has_every_version_leaves_the_file_alone()
    {
        var library = Copy("b.so", weak: false);
        var before = File.ReadAllBytes(library);
        var host = Encoding.ASCII.GetBytes(string.Concat(CxxNeeds(library).Select(need => need.Version + "\0")));

        Assert.Equal(library, TorchLibrary.Adapt(library, host));
        Assert.Equal(before, File.ReadAllBytes(library));
    }

    [Fact]
    public void Adapting_twice_changes_nothing_the_second_time()
    {
        var library = Copy("c.so", weak: false);
        TorchLibrary.Adapt(library, []);
        var once = File.ReadAllBytes(library);
        TorchLibrary.Adapt(library, []);
        Assert.Equal(once, File.ReadAllBytes(library));
    }

    [Fact]
    public void Where_the_folder_may_only_be_read_the_copy_finds_its_neighbours_beside_it()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has these libraries");

        // Nothing can be put in the place of a file whose name is as long as names can be; permissions would be nothing to the superuser.
        var library = Copy(new string('l', 240) + ".so", weak: false);
        var beside = Path.Combine(folder, "libtorch.so");
        File.WriteAllText(beside, "torch");
        var used = TorchLibrary.Adapt(library, []);
        Assert.NotEqual(folder, Path.GetDirectoryName(used));
        Assert.Equal("torch", File.ReadAllText(Path.Combine(Path.GetDirectoryName(used)!, "libtorch.so")));
        Assert.All(CxxNeeds(used), need => Assert.True(need.IsWeak));
        Assert.Contains(CxxNeeds(library), need => !need.IsWeak);
        Directory.Delete(Path.GetDirectoryName(used)!, recursive: true);
    }

    [Fact]
    public void What_is_not_an_ELF_file_is_refused() => Assert.Throws<InvalidDataException>(() => ElfVersionNeeds.Read(new byte[100]));

    private static IEnumerable<ElfVersionNeeds.Need> CxxNeeds(string path) =>
        ElfVersionNeeds.Read(File.ReadAllBytes(path)).Where(need => need.Library == "libstdc++.so.6");

    /// <summary>The real library with all its demands strict again, whatever this host made of it.</summary>
    private string Copy(string name, bool weak)
    {
        var image = File.ReadAllBytes(Original);
        foreach (var need in ElfVersionNeeds.Read(image))
        {
            image[need.FlagsOffset] = (byte)(weak ? 2 : 0);
        }

        var path = Path.Combine(folder, name);
        File.WriteAllBytes(path, image);
        return path;
    }
}
