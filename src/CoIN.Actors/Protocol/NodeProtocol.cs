using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.Actors.Protocol;

/// <summary>What nodes tell each other of themselves before they work together.</summary>
internal static class NodeProtocol
{
    /// <summary>What must be the same on all nodes.</summary>
    /// <param name="Program">Version of the program, with its commit.</param>
    /// <param name="Journal">Identity of the journal's database, whatever its address is called here.</param>
    /// <param name="UnixMilliseconds">The node's clock, when the message was sent.</param>
    /// <param name="Proof">Name of a file that the node wrote into its folder of runs; whoever sees the same folder can read it.</param>
    /// <param name="ProofText">What stands in it.</param>
    public sealed record NodeFacts(string Program, string Journal, long UnixMilliseconds, string Proof, string ProofText)
    {
        /// <summary>Whether it expects all nodes to see one folder of runs; each has its own otherwise.</summary>
        public bool SharedFolder { get; init; } = true;
    }

    /// <summary>Here I am, and so it is with me. Said again until it is answered.</summary>
    public sealed record Introduce(NodeFacts Facts) : IMessage;

    /// <summary>And so it is with me.</summary>
    public sealed record Introduced(NodeFacts Facts) : IMessage;

    /// <summary>Where do you give the files of runs? Asked again until it is answered.</summary>
    public sealed record WhereAreFiles : IMessage;

    /// <param name="Port">TCP port of the node that answers.</param>
    public sealed record FilesAt(int Port) : IMessage;
}
