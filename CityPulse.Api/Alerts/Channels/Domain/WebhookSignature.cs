using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CityPulse.Api.Alerts.Channels.Domain;

/// <summary>
/// <c>t=&lt;unix seconds&gt;,v1=&lt;hex HMAC-SHA256 over t, a dot and the body&gt;</c>: the time is signed with the body, so that a receiver can refuse
/// what somebody kept and sends again.
/// </summary>
internal static class WebhookSignature
{
    public static string Of(ReadOnlySpan<byte> secret, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        var time = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        hmac.AppendData(Encoding.ASCII.GetBytes(time));
        hmac.AppendData("."u8);
        hmac.AppendData(body);
        return $"t={time},v1={Convert.ToHexStringLower(hmac.GetHashAndReset())}";
    }
}
