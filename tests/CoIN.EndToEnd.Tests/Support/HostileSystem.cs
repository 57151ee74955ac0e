using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using static CoIN.Actors.Protocol.WorkProtocol;

namespace CoIN.EndToEnd.Tests.Support;

/// <summary>A stranger who speaks Akka.Remote and knows every message of the program.</summary>
internal sealed class HostileSystem : IDisposable
{
    private const string Remote = """
        akka {
          loglevel = OFF
          stdout-loglevel = OFF
          log-dead-letters = off
          actor {
            provider = remote
            serializers.coin = "CoIN.Actors.Protocol.WireSerializer, CoIN.Actors"
            serialization-bindings { "CoIN.Actors.Protocol.WorkProtocol+IMessage, CoIN.Actors" = coin }
          }
          remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 }
        }
        """;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(8);

    private readonly string address;

    /// <param name="port">Of the node on loopback.</param>
    /// <param name="certificate">What it shows; null for clear text.</param>
    /// <param name="settings">HOCON over its own.</param>
    public HostileSystem(int port, X509Certificate2? certificate = null, string settings = "")
    {
        address = $"{(certificate is null ? "akka.tcp" : "akka.ssl.tcp")}://coin@127.0.0.1:{port}";
        var own = certificate is null ? "" : "akka.remote.dot-netty.tcp.enable-ssl = true";
        var setup = ActorSystemSetup.Create(
            BootstrapSetup
                .Create()
                .WithConfig(
                    ConfigurationFactory.ParseString(settings).WithFallback(ConfigurationFactory.ParseString(own)).WithFallback(Remote)
                )
        );
        Actors = ActorSystem.Create(
            "coin",
            certificate is null ? setup : setup.And(new DotNettySslSetup(certificate, false, true, (_, _, _, _, _) => true))
        );
    }

    public ActorSystem Actors { get; }

    /// <summary>The node's address.</summary>
    public Address Victim => Address.Parse(address);

    /// <summary>Whether a worker answers to work that it must refuse.</summary>
    /// <param name="assignment">That work.</param>
    /// <param name="patient">Whether an answer is expected.</param>
    public async Task<bool> IsHeardAsync(Assignment assignment, bool patient)
    {
        try
        {
            await AssignAsync("judge-1", assignment, patient ? Longest : LongEnough);
            return true;
        }
        catch (Exception e) when (e is AskTimeoutException or TimeoutException or ActorNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Gives work to one of the node's workers and waits for the refusal.</summary>
    public Task<WorkFailed> AssignAsync(string worker, Assignment assignment) => AssignAsync(worker, assignment, Longest);

    private async Task<WorkFailed> AssignAsync(string worker, Assignment assignment, TimeSpan longest)
    {
        var target = await Actors.ActorSelection($"{address}/user/{worker}").ResolveOne(longest);
        using var inbox = Inbox.Create(Actors);
        target.Tell(assignment, inbox.Receiver);
        while (true)
        {
            switch (await inbox.ReceiveAsync(longest))
            {
                case MayBegin asked:
                    target.Tell(new Begin(asked.Turn), inbox.Receiver);
                    break;
                case WorkFailed failed:
                    target.Tell(new Acknowledged(failed.Turn), inbox.Receiver);
                    return failed;
                case Status.Failure silent:
                    throw silent.Cause;
                default:
                    continue;
            }
        }
    }

    public void Dispose() => Actors.Dispose();
}
