using Akka.Actor;
using Akka.Serialization;

namespace CoIN.Actors.Protocol;

/// <summary>Akka's way into <see cref="WireFormat"/>: for the journal and between nodes.</summary>
internal sealed class WireSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Written into every journal row; never to be changed.</summary>
    public const int Id = 9301;

    public override int Identifier => Id;

    public override string Manifest(object o) => WireFormat.Manifest(o);

    public override byte[] ToBinary(object obj) => WireFormat.Write(obj);

    public override object FromBinary(byte[] bytes, string manifest) => WireFormat.Read(bytes, manifest);
}
