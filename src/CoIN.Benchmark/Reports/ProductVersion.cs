using System.Reflection;

namespace CoIN.Benchmark.Reports;

/// <summary>Which state of the program wrote a report.</summary>
public static class ProductVersion
{
    /// <summary>Version and, where it was built from a checkout, the commit: <c>0.1.0+1a2b…</c>.</summary>
    public static string Current { get; } =
        typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? typeof(ProductVersion).Assembly.GetName().Version?.ToString()
        ?? "unknown";
}
