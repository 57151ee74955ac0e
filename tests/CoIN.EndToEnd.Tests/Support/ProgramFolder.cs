namespace CoIN.EndToEnd.Tests.Support;

/// <summary>The program in another folder.</summary>
internal static class ProgramFolder
{
    /// <summary>Links to the files of the program beside these tests, in a folder where they can be replaced.</summary>
    /// <param name="folder">Is made.</param>
    /// <param name="takes">Which files, by their paths; null for all.</param>
    public static string Make(string folder, Func<string, bool>? takes = null)
    {
        foreach (
            var file in Directory
                .EnumerateFiles(AppContext.BaseDirectory, "*", SearchOption.AllDirectories)
                .Where(file => takes?.Invoke(file) ?? true)
        )
        {
            var target = Path.Combine(folder, Path.GetRelativePath(AppContext.BaseDirectory, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);

            // The host follows links to find the program's folder, so these few are copies.
            if (Path.GetExtension(file) is ".dll" or ".json")
            {
                File.Copy(file, target);
            }
            else
            {
                File.CreateSymbolicLink(target, file);
            }
        }

        return folder;
    }

    /// <summary>The program as another build of it: one whose version is another one.</summary>
    /// <param name="folder">Is made.</param>
    /// <param name="version">That version; as long as the program's.</param>
    public static string MakeBuild(string folder, string version)
    {
        Make(folder);
        var path = Path.Combine(folder, "CoIN.Benchmark.dll");
        var bytes = File.ReadAllBytes(path);
        var own = System.Text.Encoding.UTF8.GetBytes(Benchmark.Reports.ProductVersion.Current);
        var other = System.Text.Encoding.UTF8.GetBytes(version);
        Assert.Equal(own.Length, other.Length);
        var place = bytes.AsSpan().IndexOf(own);
        Assert.True(place >= 0, $"{path} does not name its version");
        other.CopyTo(bytes, place);
        File.WriteAllBytes(path, bytes);
        return folder;
    }
}
