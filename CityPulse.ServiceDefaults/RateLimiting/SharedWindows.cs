using CityPulse.ServiceDefaults.RateLimiting.Domain;
using CityPulse.ServiceDefaults.Redis;
using StackExchange.Redis;

namespace CityPulse.ServiceDefaults.RateLimiting;

/// <summary>The counters in Redis, which all replicas of all services share.</summary>
internal sealed class SharedWindows(RedisReach redis)
{
    /// <returns>Whether Redis answered, and what is granted of <paramref name="asked"/>.</returns>
    public ValueTask<(bool Answered, SharedWindow Window)> TakeAsync(RedisKey key, long asked, Tier tier) =>
        redis.AskAsync((key, asked, tier), static (database, ask) => TakeAsync(database, ask.key, ask.asked, ask.tier));

    /// <summary>
    /// INCRBY alone decides, which is one step on every server that speaks the protocol; a script would be on some (Garnet runs scripts
    /// side by side unless told otherwise). So the counter may rise above the limit, which says no more than that it is reached.
    /// </summary>
    private static async Task<SharedWindow> TakeAsync(IDatabase database, RedisKey key, long asked, Tier tier)
    {
        // Sent together: one round trip.
        var counted = database.StringIncrementAsync(key, asked);
        var ending = database.KeyTimeToLiveAsync(key);
        var count = await counted;
        if (await ending is not { } left)
        {
            // The window's first request, or one whose replica died before it had said when the window ends. The first to say so is right.
            await database.KeyExpireAsync(key, tier.Window, ExpireWhen.HasNoExpiry);
            left = tier.Window;
        }

        return new SharedWindow(Math.Clamp(tier.Permits - (count - asked), 0, asked), Math.Min(count, tier.Permits), left);
    }
}
