using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace CityPulse.ServiceDefaults.Redis;

public static class RedisClient
{
    /// <summary>
    /// How long the start waits for a Redis that takes connections and does not answer; one that is not there is known at once. It is looked
    /// for further in the background, and all that uses it does without it until then.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The city's Redis, which no start depends on.</summary>
    public static void AddCityRedis(this IHostApplicationBuilder builder) => builder.AddRedisClient("redis", configureOptions: StartWithout);

    /// <summary>The client would wait three times five seconds. What the connection string asks for holds.</summary>
    private static void StartWithout(ConfigurationOptions options)
    {
        var usual = new ConfigurationOptions();
        if (options.ConnectTimeout == usual.ConnectTimeout)
        {
            options.ConnectTimeout = (int)Patience.TotalMilliseconds;
        }

        if (options.ConnectRetry == usual.ConnectRetry)
        {
            options.ConnectRetry = 1;
        }
    }
}
