using StackExchange.Redis;

namespace CityPulse.ServiceDefaults.Revocations;

/// <summary>The word on Redis that there is something to look at. It says no more, so that nobody can revoke by writing to Redis.</summary>
public static class RevocationSignal
{
    internal static readonly RedisChannel Channel = RedisChannel.Literal("citypulse:revocations");

    /// <summary>Tells all replicas of all services to look. Redis being away is no fault: they look by themselves.</summary>
    public static async Task RingAsync(IConnectionMultiplexer redis)
    {
        try
        {
            await redis.GetSubscriber().PublishAsync(Channel, RedisValue.EmptyString, CommandFlags.FireAndForget);
        }
        catch (RedisException)
        {
            // Found by the next look.
        }
    }
}
