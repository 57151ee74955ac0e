using CoIN.Benchmark.Routing;

namespace CoIN.Models.Adapters;

/// <summary>An adapter that sends every position to experts.</summary>
internal interface IRoutedAdapter
{
    /// <summary>Begins to sum up where positions are sent: in the updates that are made from here on.</summary>
    void RecordRouting();

    /// <summary>What has been summed up since the last time.</summary>
    ExpertRouting TakeRouting();
}
