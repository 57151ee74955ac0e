using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;
using CoIN.Actors.Channels;
using CoIN.Benchmark;

namespace CoIN.Actors.Hosting;

/// <summary>
/// A node's certificate, and the authority by which it knows other nodes. Nothing else is trusted, not even what the computer trusts.
/// </summary>
internal sealed class NodeIdentity : IDisposable
{
    private readonly X509Certificate2 authority;

    private NodeIdentity(X509Certificate2 own, X509Certificate2 authority) => (Own, this.authority) = (own, authority);

    public X509Certificate2 Own { get; }

    /// <exception cref="CoinException">A file cannot be read, or other nodes would refuse the certificate.</exception>
    public static NodeIdentity Open(NodeCertificate certificate)
    {
        var authority = Read("authority", certificate.Authority, X509CertificateLoader.LoadCertificateFromFile);
        var own = Read("path", certificate.Path, path => Load(path, Password(certificate)));
        var identity = new NodeIdentity(own, authority);
        var fault =
            !own.HasPrivateKey ? "holds no private key. Put the key into the same file"
            : identity.Refusal(own) is { } why
                ? $"is not valid under the authority {certificate.Authority}: {why}. Have the authority issue a certificate for this node"
            : null;
        if (fault is not null)
        {
            identity.Dispose();
            throw new CoinException($"coin.node.certificate.path: {certificate.Path} {fault}.");
        }

        RequireSecret(certificate);

        return identity;
    }

    /// <summary>Why a peer does not belong to the cluster; null where it does.</summary>
    /// <param name="errors">
    /// What TLS found. Of a called host's name it knows; chains it judges by the computer's authorities, which are none of ours.
    /// </param>
    public string? Refusal(X509Certificate2? other, SslPolicyErrors errors) =>
        other is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable) ? "it shows no certificate"
        : Refusal(other) is { } why ? $"its certificate {other.Subject} is not one of this cluster's authority: {why}"
        : errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
            ? $"its certificate {other.Subject} is not that of the host that was called"
        : null;

    /// <summary>Akka's transport with certificates on both sides. A peer that is refused is told once a minute, by the reason.</summary>
    public DotNettySslSetup Transport()
    {
        var told = new Dictionary<string, long>(StringComparer.Ordinal);
        return new DotNettySslSetup(
            Own,
            suppressValidation: false,
            requireMutualAuthentication: true,
            validateCertificateHostname: true,
            customValidator: (shown, _, peer, errors, log) =>
            {
                if (Refusal(shown, errors) is not { } why)
                {
                    return true;
                }

                lock (told)
                {
                    if (!told.TryGetValue(why, out var last) || Environment.TickCount64 - last > 60_000)
                    {
                        told[why] = Environment.TickCount64;
                        log.Warning("Refused a connection with {Peer}: {Reason}", peer, why);
                    }
                }

                return false;
            }
        );
    }

    /// <summary>Channels beside Akka's transport, with certificates on both sides. They last as long as this does.</summary>
    public ChannelSecurity Channel()
    {
        bool IsKnown(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors) =>
            Refusal(shown as X509Certificate2, errors) is null;
        return new ChannelSecurity(
            new SslServerAuthenticationOptions
            {
                ServerCertificate = Own,
                ClientCertificateRequired = true,
                RemoteCertificateValidationCallback = IsKnown,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            },
            host => new SslClientAuthenticationOptions
            {
                TargetHost = host,
                ClientCertificates = [Own],
                RemoteCertificateValidationCallback = IsKnown,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,

                // By default a certificate whose issuer the computer does not know is not shown.
                LocalCertificateSelectionCallback = (_, _, _, _, _) => Own,
            }
        );
    }

    public void Dispose()
    {
        Own.Dispose();
        authority.Dispose();
    }

    /// <summary>Why a certificate is not one of the authority's, or null.</summary>
    private string? Refusal(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);

        // A private authority has no place where its revocations could be asked for.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(certificate)
            ? null
            : string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim().TrimEnd('.')));
    }

    /// <summary>A key that stands in its file as it is must not be for everybody to read.</summary>
    private static void RequireSecret(NodeCertificate certificate)
    {
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if (
            certificate is { PasswordVariable: null, Path: var path }
            && !OperatingSystem.IsWindows()
            && File.Exists(path)
            && (File.GetUnixFileMode(path) & Others) != 0
        )
        {
            throw new CoinException(
                $"{path} holds a private key, and others than its owner may read it. Make it yours alone: chmod 600 {path}"
            );
        }
    }

    private static X509Certificate2 Load(string path, string? password)
    {
        if (Path.GetExtension(path) is ".pfx" or ".p12")
        {
            return X509CertificateLoader.LoadPkcs12FromFile(path, password);
        }

        using var pem = password is null
            ? X509Certificate2.CreateFromPemFile(path)
            : X509Certificate2.CreateFromEncryptedPemFile(path, password);

        // A key that was read from PEM lives in memory only; some platforms' TLS wants it in a key store.
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    private static string? Password(NodeCertificate certificate) =>
        certificate.PasswordVariable is not { } name
            ? null
            : Environment.GetEnvironmentVariable(name)
                ?? throw new CoinException(
                    $"coin.node.certificate.password-env: the environment variable {name}, which holds the password of {certificate.Path}, is not set. Set it, or null for a file without password."
                );

    private static X509Certificate2 Read(string key, string path, Func<string, X509Certificate2> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CoinException(
                $"coin.node.certificate.{key}: {path} cannot be read: {e.Message.TrimEnd('.')}. Correct the path, the file or the password.",
                e
            );
        }
    }
}
