using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace CoIN.Actors.Tests.Support;

/// <summary>
/// A real PostgreSQL of the tests' own, on loopback, in a temporary folder, with a password that children find in <c>PGPASSWORD</c>. Where
/// the programs cannot be had, the test is skipped with a word.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string User = "coin";

    // No user of a system is called so; the database does not let root run it.
    private const string Nobody = "65534";

    private readonly string programs;
    private readonly string folder;
    private readonly string[] addresses;
    private Process? server;
    private int databases;

    private PostgresServer(string programs, string folder, int port, string[] addresses) =>
        (this.programs, this.folder, Port, this.addresses) = (programs, folder, port, addresses);

    /// <summary>Of all servers of this process, so that it can stand in the environment.</summary>
    public static string Password { get; } = "pw-" + RandomNumberGenerator.GetHexString(24);

    public int Port { get; }

    /// <summary>What the server said.</summary>
    public string Log => File.Exists(Path.Combine(folder, "log")) ? File.ReadAllText(Path.Combine(folder, "log")) : "";

    private static readonly Lazy<Task<PostgresServer>> Shared = new(async () =>
    {
        var server = await StartAsync();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(10));
        return server;
    });

    /// <summary>One for all tests that leave it as it is; each takes a database of its own.</summary>
    /// <remarks>As for <see cref="StartAsync"/>.</remarks>
    public static Task<PostgresServer> SharedAsync() => Shared.Value;

    /// <summary>Makes and starts a server.</summary>
    /// <param name="further">
    /// Addresses beside loopback at which it listens; the last one is that which <see cref="CreateDatabaseAsync"/> gives.
    /// </param>
    /// <remarks>Skips the test where there is no PostgreSQL.</remarks>
    public static async Task<PostgresServer> StartAsync(params string[] further)
    {
        var programs = Programs();
        Assert.SkipWhen(
            programs is null,
            "needs PostgreSQL: initdb and postgres are neither on the PATH nor in /usr/lib/postgresql (Debian: apt-get install postgresql)"
        );
        Assert.SkipWhen(IsRoot && Which("setpriv") is null, "needs setpriv: PostgreSQL does not let root run it");
        var folder = Directory.CreateTempSubdirectory("coin-postgres-").FullName;
        var made = new PostgresServer(programs!, folder, FreePort(), ["127.0.0.1", .. further]);
        Environment.SetEnvironmentVariable("PGPASSWORD", Password);
        var password = Path.Combine(folder, "password");
        await File.WriteAllTextAsync(password, Password);
        if (IsRoot)
        {
            await RunAsync("chown", ["-R", $"{Nobody}:{Nobody}", folder]);
        }

        var (program, arguments) = made.AsUser(
            "initdb",
            "-D",
            made.Data,
            "-U",
            User,
            "-A",
            "scram-sha-256",
            "--pwfile",
            password,
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C"
        );
        await RunAsync(program, arguments);
        await File.AppendAllLinesAsync(
            Path.Combine(made.Data, "pg_hba.conf"),
            further.Select(address => $"host all all {address}/24 scram-sha-256")
        );
        await made.StartAgainAsync();
        return made;
    }

    /// <summary>Makes a new, empty database.</summary>
    /// <returns>Its address, without the password.</returns>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"coin{Interlocked.Increment(ref databases)}";
        await using var connection = new NpgsqlConnection(AddressOf("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await command.ExecuteNonQueryAsync();
        return AddressOf(name);
    }

    /// <summary>Starts the server again, with what it had.</summary>
    public async Task StartAgainAsync()
    {
        var (program, arguments) = AsUser(
            "postgres",
            "-D",
            Data,
            "-p",
            $"{Port}",
            "-h",
            string.Join(',', addresses),
            "-k",
            "",
            "-F",
            "-c",
            "max_connections=200",
            "-c",
            "log_statement=none"
        );
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec \"$@\" >>'{folder}/log' 2>&1", "sh", program, .. arguments])
        {
            RedirectStandardInput = true,
        };
        server = Process.Start(start)!;
        for (var clock = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            try
            {
                await using var connection = new NpgsqlConnection(AddressOf("postgres") + ";Pooling=false;Timeout=5");
                await connection.OpenAsync();
                return;
            }
            catch (NpgsqlException) when (clock.Elapsed < TimeSpan.FromSeconds(60) && !server.HasExited)
            {
                // It is not up yet.
            }
        }
    }

    /// <summary>Ends the server at once, as if its host had lost power.</summary>
    public async Task KillAsync()
    {
        if (server is { } running)
        {
            // Its children notice that it is gone and end too.
            running.Kill(entireProcessTree: true);
            await running.WaitForExitAsync();
            running.Dispose();
            server = null;
            File.Delete(Path.Combine(Data, "postmaster.pid"));
        }
    }

    /// <summary>Ends all connections, as a server that restarts does.</summary>
    public async Task CutAsync()
    {
        await using var connection = new NpgsqlConnection(AddressOf("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
            connection
        );
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        NpgsqlConnection.ClearAllPools();
        for (var attempt = 0; Directory.Exists(folder); attempt++)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException && attempt < 20)
            {
                await Task.Delay(100);
            }
        }
    }

    private static bool IsRoot => Environment.IsPrivilegedProcess;

    private string Data => Path.Combine(folder, "data");

    private string AddressOf(string database) => $"Host={addresses[^1]};Port={Port};Database={database};Username={User}";

    private (string Program, string[] Arguments) AsUser(string program, params string[] arguments) =>
        IsRoot
            ? ("setpriv", [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", Path.Combine(programs, program), .. arguments])
            : (Path.Combine(programs, program), arguments);

    private static string? Programs() =>
        Which("initdb") is { } found
            ? Path.GetDirectoryName(Path.GetFullPath(new FileInfo(found).ResolveLinkTarget(true)?.FullName ?? found))
        : Directory.Exists("/usr/lib/postgresql")
            ? Directory
                .GetDirectories("/usr/lib/postgresql")
                .OrderDescending(StringComparer.Ordinal)
                .Select(version => Path.Combine(version, "bin"))
                .FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")))
        : null;

    private static string? Which(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Select(part => Path.Combine(part, program))
            .FirstOrDefault(File.Exists);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task RunAsync(string program, string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true }
        )!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program}: {await output}{await error}");
    }
}
