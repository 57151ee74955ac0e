using CoIN.Benchmark.Data;

namespace CoIN.Benchmark.Checking;

/// <summary>Something wrong with a sample, before it is said which sample that is.</summary>
/// <param name="Message">A clause that follows the sample's place.</param>
internal readonly record struct Flaw(FindingKind Kind, string Message);
