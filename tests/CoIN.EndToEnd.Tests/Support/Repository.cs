namespace CoIN.EndToEnd.Tests.Support;

internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "CoIN.Actors.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new DirectoryNotFoundException("CoIN.Actors.sln is in no folder above the tests");
        }

        return folder;
    }
}
