using Akka.Actor;
using Akka.Persistence;

namespace CoIN.Speed.Scheduling;

/// <summary>
/// A journal that says of everything that it is written, and at once. It keeps nothing: no simulated run is taken up again.
/// </summary>
internal sealed class SimulatedJournal : ReceiveActor
{
    public SimulatedJournal()
    {
        Receive<ReplayMessages>(asked => asked.PersistentActor.Tell(new RecoverySuccess(0)));
        Receive<WriteMessages>(asked =>
        {
            asked.PersistentActor.Tell(WriteMessagesSuccessful.Instance);
            foreach (
                var one in asked.Messages.OfType<AtomicWrite>().SelectMany(write => (IEnumerable<IPersistentRepresentation>)write.Payload)
            )
            {
                asked.PersistentActor.Tell(new WriteMessageSuccess(one, asked.ActorInstanceId), one.Sender);
            }
        });
    }
}
