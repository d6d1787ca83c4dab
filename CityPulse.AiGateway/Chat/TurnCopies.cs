using System.Globalization;
using CityPulse.ServiceDefaults.Redis;
using CityPulse.ServiceDefaults.Security;
using StackExchange.Redis;

namespace CityPulse.AiGateway.Chat;

/// <summary>
/// Turns' events in Redis for a few minutes, for readers who come back at another replica. Without Redis only the replica that runs a
/// turn can be asked for the rest of it.
/// </summary>
internal sealed class TurnCopies(RedisReach redis)
{
    /// <summary>How long a reader at another replica counts as being there.</summary>
    private static readonly TimeSpan Presence = TimeSpan.FromSeconds(10);

    public async Task AddAsync(TurnFeed feed, TurnEvent added)
    {
        await redis.AskAsync((Key: Key(feed.Id), feed, added), static async (database, state) =>
        {
            var transaction = database.CreateTransaction();
            if (state.added.Number == 1)
            {
                _ = transaction.ListRightPushAsync(state.Key, Owner(state.feed.OrganizationId, state.feed.UserId));
            }

            _ = transaction.ListRightPushAsync(state.Key, $"{state.added.Type}\n{state.added.Data}");
            _ = transaction.KeyExpireAsync(state.Key, TurnFeeds.Kept);
            return await transaction.ExecuteAsync();
        });
    }

    /// <summary>The events after one; null when the caller has no such turn.</summary>
    public async Task<IReadOnlyList<TurnEvent>?> ReadAsync(Guid turn, Caller caller, int after)
    {
        var (answered, found) = await redis.AskAsync((Key: Key(turn), after), static async (database, state) =>
        {
            var transaction = database.CreateTransaction();
            var owner = transaction.ListGetByIndexAsync(state.Key, 0);
            var events = transaction.ListRangeAsync(state.Key, state.after + 1);
            await transaction.ExecuteAsync();
            return (Owner: (string?)await owner, Events: await events);
        });
        if (!answered || found.Owner != Owner(caller.OrganizationId, caller.UserId))
        {
            return null;
        }

        return [.. found.Events.Select((e, i) => $"{e}".Split('\n', 2) is [var type, var data] ? new TurnEvent(after + 1 + i, type, data) : throw new FormatException("Not an event."))];
    }

    /// <summary>Tells the replica that runs a turn that somebody reads it here.</summary>
    public async Task StayAsync(Guid turn) =>
        await redis.AskAsync(Key(turn), static (database, key) => database.StringSetAsync(key.Append(":reader"), "1", Presence));

    public async Task<bool> HasReadersAsync(Guid turn) =>
        await redis.AskAsync(Key(turn), static (database, key) => database.KeyExistsAsync(key.Append(":reader"))) is (true, true);

    private static RedisKey Key(Guid turn) => string.Create(CultureInfo.InvariantCulture, $"citypulse:ai:turn:{turn:N}");

    private static string Owner(Guid organization, Guid user) => string.Create(CultureInfo.InvariantCulture, $"{organization:N}:{user:N}");
}
