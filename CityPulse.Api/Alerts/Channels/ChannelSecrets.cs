using System.Text;
using CityPulse.Api.Auth;

namespace CityPulse.Api.Alerts.Channels;

/// <summary>Channels' secrets as they are kept: encrypted, and bound to their channel.</summary>
internal sealed class ChannelSecrets(KeyCipher cipher)
{
    public byte[] Seal(Guid channelId, string secret) => cipher.Encrypt(Encoding.UTF8.GetBytes(secret), Label(channelId));

    public byte[] Open(Guid channelId, byte[] secret) => cipher.Decrypt(secret, Label(channelId));

    private static string Label(Guid channelId) => $"alert channel {channelId:N}";
}
