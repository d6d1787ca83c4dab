using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace CityPulse.ServiceDefaults.Security;

/// <summary>
/// X-Forwarded-* count only from proxies in <c>ForwardedHeaders:KnownNetworks</c> (CIDR) or <c>ForwardedHeaders:KnownProxies</c>. As
/// this is a post-configuration it also takes back the "believe everybody" of ASPNETCORE_FORWARDEDHEADERS_ENABLED.
/// </summary>
internal sealed class ForwardedHeadersSetup(IConfiguration configuration) : IPostConfigureOptions<ForwardedHeadersOptions>
{
    private const string Section = "ForwardedHeaders";

    public void PostConfigure(string? name, ForwardedHeadersOptions options)
    {
        options.KnownIPNetworks.Clear();
        options.KnownProxies.Clear();
        foreach (var (key, text) in Values("KnownNetworks"))
        {
            options.KnownIPNetworks.Add(System.Net.IPNetwork.TryParse(text, out var network)
                ? network
                : throw Invalid(key, text, "a network such as 10.0.0.0/8"));
        }

        foreach (var (key, text) in Values("KnownProxies"))
        {
            options.KnownProxies.Add(IPAddress.TryParse(text, out var address) ? address : throw Invalid(key, text, "an address such as 10.0.0.1"));
        }

        // Empty lists mean "everybody" to the middleware, so that then it must do nothing at all.
        options.ForwardedHeaders = options.KnownIPNetworks.Count + options.KnownProxies.Count == 0
            ? ForwardedHeaders.None
            : ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
        // Ingress and edge may both stand before us; the walk ends at the first one that is not known.
        options.ForwardLimit = null;
    }

    private IEnumerable<(string Key, string Text)> Values(string list)
    {
        var section = configuration.GetSection($"{Section}:{list}");
        foreach (var item in section.GetChildren().Append(section))
        {
            foreach (var text in item.Value?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [])
            {
                yield return (item.Path, text);
            }
        }
    }

    private static OptionsValidationException Invalid(string key, string text, string expected) =>
        new(key, typeof(ForwardedHeadersOptions), [$"{key} must be {expected}, but is \"{text}\"."]);
}
