using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace CoIN.Cli.Watching;

/// <summary>
/// Who may look on. On the loopback address: whoever comes by a loopback name, so that no page of another site can reach it by a name of
/// its own. On any other address: whoever has the token, once in the address, then in a cookie.
/// </summary>
/// <param name="token">Null for the loopback address.</param>
internal sealed class WatchAccess(string? token)
{
    private const string Cookie = "coin-watch";
    private const int TokenBytes = 16;

    /// <summary>A new token; null for an address that only this computer reaches.</summary>
    public static WatchAccess For(IPAddress address) =>
        new(IPAddress.IsLoopback(address) ? null : Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TokenBytes)));

    /// <summary>What the page's address ends with.</summary>
    public string Query => token is null ? "" : $"?token={token}";

    /// <summary>Lets a request through, or answers it.</summary>
    public Task HandleAsync(HttpContext context, Func<Task> next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.CacheControl = "no-store";
        if (token is null)
        {
            return IsLoopback(context.Request.Host.Host) ? next() : Refuse(context, "This page is for this computer: http://localhost");
        }

        if (Same(context.Request.Cookies[Cookie]))
        {
            return next();
        }

        if (!Same(context.Request.Query["token"]))
        {
            return Refuse(context, "The token is missing or not the one that coin watch printed.");
        }

        context.Response.Cookies.Append(
            Cookie,
            token,
            new CookieOptions
            {
                HttpOnly = true,
                SameSite = SameSiteMode.Strict,
                IsEssential = true,
            }
        );
        context.Response.Redirect("./");
        return Task.CompletedTask;
    }

    private static Task Refuse(HttpContext context, string why)
    {
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return context.Response.WriteAsync(why);
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private bool Same(string? given) =>
        given is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token!));
}
