using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Hosting;

/// <summary>
/// <c>PORT</c> and <c>HOST</c>, by which the Node.js version was told where to listen. <c>ASPNETCORE_URLS</c>, which says it in full,
/// stands above them; they stand above <c>ASPNETCORE_HTTP_PORTS</c>, which container images set without being asked.
/// </summary>
internal static class NodeAddress
{
    private const string Port = "PORT";
    private const string Host = "HOST";

    public static void AddNodeAddress(this WebApplicationBuilder builder)
    {
        if (Addresses(builder.Configuration) is { } addresses)
        {
            builder.WebHost.UseUrls(addresses);
        }
    }

    /// <returns>Null where neither is set or counts.</returns>
    internal static string[]? Addresses(IConfiguration configuration)
    {
        var (port, host) = (configuration[Port], configuration[Host]);
        if (configuration["urls"] is { Length: > 0 } || (string.IsNullOrEmpty(port) && string.IsNullOrEmpty(host)))
        {
            return null;
        }

        if (!string.IsNullOrEmpty(port)
            && !(int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= ushort.MaxValue))
        {
            throw Invalid(Port, $"{Port} must be a port number, but is \"{port}\".");
        }

        if (!string.IsNullOrEmpty(host) && Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            throw Invalid(Host, $"{Host} must be an address or a host name, such as 0.0.0.0, but is \"{host}\".");
        }

        var name = string.IsNullOrEmpty(host) ? "*" : IPAddress.TryParse(host, out var ip) && ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{ip}]" : host;
        var http = string.IsNullOrEmpty(port) ? configuration["http_ports"] is { Length: > 0 } ports ? ports : "5000" : port;
        return [.. Each("http", http), .. Each("https", configuration["https_ports"])];

        IEnumerable<string> Each(string scheme, string? list) =>
            list?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(each => $"{scheme}://{name}:{each}") ?? [];
    }

    private static OptionsValidationException Invalid(string key, string message) => new(key, typeof(string), [message]);
}
