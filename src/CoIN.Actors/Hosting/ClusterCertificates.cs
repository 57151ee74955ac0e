using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CoIN.Benchmark;

namespace CoIN.Actors.Hosting;

/// <summary>
/// A private authority and the certificates of a cluster's hosts, in a folder: <c>authority/</c> with the authority's key, and a folder for
/// each host with what goes to that host and nowhere else. Files that hold keys can be read by their owner alone.
/// </summary>
public static class ClusterCertificates
{
    /// <summary>A host's certificate with its private key.</summary>
    public const string NodeFile = "node.pem";

    /// <summary>The authority's certificate, by which hosts know each other.</summary>
    public const string AuthorityFile = "ca.pem";

    private const string AuthorityFolder = "authority";
    private const string KeyFile = "ca.key";
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;

    private static readonly TimeSpan Skew = TimeSpan.FromHours(1);

    /// <summary>Makes an authority, or takes the one that is in the folder, and has it issue certificates.</summary>
    /// <param name="hosts">Names or addresses under which the nodes reach each other.</param>
    /// <param name="days">For which the hosts' certificates are valid; the authority's ten years are not exceeded.</param>
    /// <param name="replace">Whether hosts that have a certificate get a new one.</param>
    /// <returns>The hosts' folders.</returns>
    /// <exception cref="CoinException">
    /// A host has a certificate already or no possible name, or a file cannot be read or written.
    /// </exception>
    public static IReadOnlyList<string> Issue(string folder, IReadOnlyList<string> hosts, int days, bool replace, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        foreach (var host in hosts)
        {
            // A name becomes a folder's.
            if (
                Uri.CheckHostName(host) == UriHostNameType.Unknown
                || host.Contains(':', StringComparison.Ordinal)
                || host == AuthorityFolder
            )
            {
                throw new CoinException(
                    $"'{host}' is no name or address of a host. Give those under which the nodes reach each other, separated by commas: --hosts gpu1.example.org,10.0.0.7."
                );
            }

            if (!replace && File.Exists(Path.Combine(folder, host, NodeFile)))
            {
                throw new CoinException($"{host} has a certificate in {folder}. Replace it with --force, or leave {host} out.");
            }
        }

        try
        {
            MakeFolder(folder);
            using var authority = Authority(folder, now);
            return [.. hosts.Select(host => Issue(folder, authority, host, now, now.AddDays(days)))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CoinException(
                $"Certificates cannot be made in {folder}: {e.Message.TrimEnd('.')}. Make it a folder of your own that can be written.",
                e
            );
        }
    }

    private static X509Certificate2 Authority(string folder, DateTimeOffset now)
    {
        var place = Path.Combine(folder, AuthorityFolder);
        var (certificate, key) = (Path.Combine(place, AuthorityFile), Path.Combine(place, KeyFile));
        if (File.Exists(certificate))
        {
            var known = X509Certificate2.CreateFromPemFile(certificate, key);
            return known.NotAfter > now.LocalDateTime
                ? known
                : throw new CoinException(
                    $"The authority in {place} expired on {known.NotAfter:yyyy-MM-dd}. Make a new one in another folder, for all hosts."
                );
        }

        MakeFolder(place);
        using var secret = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var request = new CertificateRequest(
            $"CN=CoIN cluster {RandomNumberGenerator.GetHexString(8, lowercase: true)}",
            secret,
            HashAlgorithmName.SHA384
        );
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(
                certificateAuthority: true,
                hasPathLengthConstraint: true,
                pathLengthConstraint: 0,
                critical: true
            )
        );
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true)
        );
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var made = request.CreateSelfSigned(now - Skew, now.AddYears(10));
        WriteSecret(key, secret.ExportPkcs8PrivateKeyPem() + "\n");
        File.WriteAllText(certificate, made.ExportCertificatePem() + "\n");
        return made;
    }

    private static string Issue(string folder, X509Certificate2 authority, string host, DateTimeOffset now, DateTimeOffset until)
    {
        var place = Path.Combine(folder, host);
        MakeFolder(place);
        using var secret = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", secret, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(host, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(host);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(
                certificateAuthority: false,
                hasPathLengthConstraint: false,
                pathLengthConstraint: 0,
                critical: true
            )
        );
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));

        // Every node both calls and is called.
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false)
        );
        request.CertificateExtensions.Add(
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false)
        );
        var last = new DateTimeOffset(authority.NotAfter);
        using var made = request.Create(
            authority,
            now - Skew < authority.NotBefore ? authority.NotBefore : now - Skew,
            until < last ? until : last,
            RandomNumberGenerator.GetBytes(16)
        );
        WriteSecret(Path.Combine(place, NodeFile), $"{made.ExportCertificatePem()}\n{secret.ExportPkcs8PrivateKeyPem()}\n");
        File.WriteAllText(Path.Combine(place, AuthorityFile), authority.ExportCertificatePem() + "\n");
        return place;
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnerFolder);
        }
    }

    /// <summary>The file never exists with other rights than the owner's.</summary>
    private static void WriteSecret(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerFile;
        }

        File.Delete(path);
        using var writer = new StreamWriter(path, options);
        writer.Write(text);
    }
}
