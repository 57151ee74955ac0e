namespace CoIN.Actors.Protocol;

/// <summary>A node of a cluster.</summary>
/// <param name="Name"><c>host:port</c>.</param>
/// <param name="Status">joining, up, leaving, …</param>
/// <param name="Answers">Whether the others hear from it.</param>
public sealed record NodeState(string Name, string Status, bool Answers, IReadOnlyList<string> Roles);
