using CoIN.EndToEnd.Tests.Support;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>
/// Classes run beside each other, and the last one to begin may be waited for alone: those that take minutes begin first.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly Type[] Minutes =
    [
        typeof(ClusterTests),
        typeof(CrashTests),
        typeof(SoakTests),
        typeof(FamilyTests),
        typeof(KilledMethodsTests),
        typeof(NetworkTests),
        typeof(KilledWorkersTests),
        typeof(ExperimentTests),
        typeof(StateTests),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection
    {
        // xUnit hands all to the thread pool at once, whose threads take what came last and what came first: so the short ones come in the
        // middle.
        List<TTestCollection> first = [],
            last = [];
        foreach (var collection in testCollections.OrderBy(Place).ThenBy(one => one.TestCollectionDisplayName, StringComparer.Ordinal))
        {
            (first.Count <= last.Count ? first : last).Add(collection);
        }

        last.Reverse();
        return [.. first, .. last];
    }

    private static int Place<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection =>
        Array.FindIndex(Minutes, one => collection.TestCollectionDisplayName.Contains(one.FullName!, StringComparison.Ordinal))
            is >= 0
                and var place
            ? place
            : Minutes.Length;
}
