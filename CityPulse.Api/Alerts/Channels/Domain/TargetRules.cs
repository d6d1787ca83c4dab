using IPAddress = System.Net.IPAddress;

namespace CityPulse.Api.Alerts.Channels.Domain;

/// <summary>What the address of a webhook may look like.</summary>
internal static class TargetRules
{
    public const int LongestUrl = 2000;

    /// <returns>What is wrong with it, or null. A name is resolved, and judged, only when something is sent.</returns>
    public static string? Refusal(string text, bool allowPrivate)
    {
        if (text.Length > LongestUrl)
        {
            return "It is too long: at most 2000 characters.";
        }

        if (text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
            || !Uri.TryCreate(text, UriKind.Absolute, out var url)
            || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp)
            || url.Host.Length == 0)
        {
            return "It must be an address that begins with https:// or http://.";
        }

        if (url.UserInfo.Length > 0)
        {
            return "It must not contain a user name or password.";
        }

        if (url.Fragment.Length > 0)
        {
            return "It must not contain a fragment.";
        }

        return IPAddress.TryParse(url.IdnHost, out var literal) ? AddressRules.Refusal(literal, allowPrivate) : null;
    }
}
