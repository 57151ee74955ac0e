using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace CoIN.Actors.Protocol;

/// <summary>
/// Stands in the place of Akka's serializer of last resort, which makes an object of whatever type a payload names. Every message of this
/// program has its <see cref="WireFormat"/>, so a payload for that serializer is a fault or an attack.
/// </summary>
internal sealed class RefusingJsonSerializer : Serializer
{
    public RefusingJsonSerializer(ExtendedActorSystem system)
        : base(system) { }

    /// <summary>Akka makes it with the settings of the serializer that it replaces.</summary>
    public RefusingJsonSerializer(ExtendedActorSystem system, Config settings)
        : base(system) { }

    public override int Identifier => 1;

    public override bool IncludeManifest => true;

    public override byte[] ToBinary(object obj) => throw new SerializationException($"{obj.GetType()} has no wire format");

    public override object FromBinary(byte[] bytes, Type type) =>
        throw new SerializationException("a payload that names a type is refused");
}

/// <summary>Stands in the place of the serializer with which a node deploys actors on another one.</summary>
internal sealed class RefusingDeploymentSerializer(ExtendedActorSystem system) : Serializer(system)
{
    public override int Identifier => 3;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => throw new SerializationException("actors are not deployed on other nodes");

    public override object FromBinary(byte[] bytes, Type type) =>
        throw new SerializationException("an actor that another node wants to deploy is refused");
}
