using System.Net.Security;

namespace CoIN.Actors.Channels;

/// <summary>How both ends of a channel prove that they belong to the cluster.</summary>
/// <param name="Server">For the end that is called; asks for a certificate.</param>
/// <param name="Client">For the end that calls a host by its name, and is to find that host.</param>
internal sealed record ChannelSecurity(SslServerAuthenticationOptions Server, Func<string, SslClientAuthenticationOptions> Client);
