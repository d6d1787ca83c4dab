using CityPulse.ServiceDefaults.Redis;
using Microsoft.Extensions.Caching.Distributed;
using StackExchange.Redis;

namespace CityPulse.Api.Http.Kept;

/// <summary>
/// Redis as the second level of the cache, through which replicas find each other's answers. While it is away nothing is found there and
/// nothing is put there, and nobody waits for it.
/// </summary>
internal sealed class SharedAnswers(RedisReach redis) : IDistributedCache
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    public async Task<byte[]?> GetAsync(string key, CancellationToken token = default) =>
        await redis.AskAsync(KeyOf(key), static (database, k) => database.StringGetAsync(k)) is (true, { HasValue: true } value) ? (byte[]?)value : null;

    public async Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default) =>
        await redis.AskAsync(
            (key: KeyOf(key), value, options),
            static (database, entry) => database.StringSetAsync(entry.key, entry.value, entry.options.AbsoluteExpirationRelativeToNow ?? Longest, When.Always));

    public async Task RemoveAsync(string key, CancellationToken token = default) =>
        await redis.AskAsync(KeyOf(key), static (database, k) => database.KeyDeleteAsync(k));

    public Task RefreshAsync(string key, CancellationToken token = default) => Task.CompletedTask;

    public byte[]? Get(string key) => throw NotHere();

    public void Set(string key, byte[] value, DistributedCacheEntryOptions options) => throw NotHere();

    public void Refresh(string key) => throw NotHere();

    public void Remove(string key) => throw NotHere();

    private static RedisKey KeyOf(string key) => "citypulse:answer:" + key;

    private static NotSupportedException NotHere() => new("The cache is asked asynchronously only.");
}
