using System.Diagnostics;
using Akka.Actor;
using Akka.Configuration;
using Akka.Coordination;
using Npgsql;

namespace CoIN.Actors.Journal;

/// <summary>
/// A lease in the journal's database, for Akka.Coordination: the part of a divided cluster that has it goes on, the other ends; and a
/// singleton begins only where it is held. By the database's clock it ends by itself unless it is renewed, so that a holder that is gone is
/// in nobody's way.
/// </summary>
public sealed class DatabaseLease : Lease
{
    /// <summary>Name of the section by which Akka finds it.</summary>
    public const string Section = "coin.lease";

    private readonly JournalDatabase database;
    private readonly Lock renewing = new();
    private readonly TimeSpan every;
    private readonly TimeSpan time;
    private Timer? timer;
    private long renewed;
    private volatile bool held;
    private Action<Exception?>? lost;

    /// <summary>Akka makes it with these.</summary>
    public DatabaseLease(LeaseSettings settings, ExtendedActorSystem system)
        : base(settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        database = JournalDatabase.Parse(settings.LeaseConfig.GetString("journal"));
        (every, time) = (settings.TimeoutSettings.HeartbeatInterval, settings.TimeoutSettings.HeartbeatTimeout);
    }

    /// <summary>HOCON that has it: name <see cref="Section"/> as <c>lease-implementation</c>.</summary>
    /// <param name="database">Its tables have been made.</param>
    /// <param name="seconds">For which a holder that says nothing more keeps the lease.</param>
    public static Config Config(JournalDatabase database, int seconds)
    {
        ArgumentNullException.ThrowIfNull(database);
        return ConfigurationFactory.ParseString(
            FormattableString.Invariant(
                $$"""
                {{Section}} {
                  lease-class = "CoIN.Actors.Journal.DatabaseLease, CoIN.Actors"
                  journal = "{{database.Address.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(
                    "\"",
                    "\\\"",
                    StringComparison.Ordinal
                )}}"
                  heartbeat-timeout = {{seconds}}s
                  heartbeat-interval = {{Math.Max(1, seconds / 4)}}s
                  lease-operation-timeout = 5s
                }
                """
            )
        );
    }

    /// <inheritdoc/>
    public override Task<bool> Acquire() => Acquire(null);

    /// <inheritdoc/>
    public override async Task<bool> Acquire(Action<Exception?>? leaseLostCallback)
    {
        var from = Stopwatch.GetTimestamp();
        if (!await TakeAsync().ConfigureAwait(false))
        {
            return false;
        }

        lock (renewing)
        {
            (renewed, held, lost) = (from, true, leaseLostCallback);
            timer ??= new Timer(_ => Renew(), null, every, every);
        }

        return true;
    }

    /// <inheritdoc/>
    public override async Task<bool> Release()
    {
        lock (renewing)
        {
            held = false;
            timer?.Dispose();
            timer = null;
        }

        try
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString);
            await connection.OpenAsync().ConfigureAwait(false);
            await using var command = JournalDatabase.Command(
                connection,
                $"DELETE FROM {database.Schema}.lease WHERE name = @name AND owner = @owner",
                ("name", Settings.LeaseName),
                ("owner", Settings.OwnerName)
            );
            await command.ExecuteNonQueryAsync().ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (JournalDatabase.IsFault(e))
        {
            throw new LeaseException($"The lease {Settings.LeaseName} cannot be released: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public override bool CheckLease() => held && Stopwatch.GetElapsedTime(renewed) < time;

    private async Task<bool> TakeAsync()
    {
        try
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString);
            await connection.OpenAsync().ConfigureAwait(false);
            await using var command = JournalDatabase.Command(
                connection,
                $"""
                INSERT INTO {database.Schema}.lease (name, owner, until) VALUES (@name, @owner, clock_timestamp() + @time)
                ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
                WHERE lease.owner = excluded.owner OR lease.until < clock_timestamp()
                """,
                ("name", Settings.LeaseName),
                ("owner", Settings.OwnerName),
                ("time", time)
            );
            return await command.ExecuteNonQueryAsync().ConfigureAwait(false) == 1;
        }
        catch (Exception e) when (JournalDatabase.IsFault(e))
        {
            throw new LeaseException($"The lease {Settings.LeaseName} cannot be asked for: {e.Message}", e);
        }
    }

    private void Renew() =>
        _ = Task.Run(async () =>
        {
            Exception? fault = null;
            var from = Stopwatch.GetTimestamp();
            try
            {
                var still = await TakeAsync().ConfigureAwait(false);
                lock (renewing)
                {
                    if (!held)
                    {
                        return;
                    }

                    if (still)
                    {
                        renewed = from;
                        return;
                    }
                }
            }
            catch (LeaseException e)
            {
                fault = e;
                if (CheckLease())
                {
                    // The database may be back before the time is over.
                    return;
                }
            }

            Action<Exception?>? tell;
            lock (renewing)
            {
                tell = held ? lost : null;
                held = false;
                timer?.Dispose();
                timer = null;
            }

            tell?.Invoke(fault);
        });
}
