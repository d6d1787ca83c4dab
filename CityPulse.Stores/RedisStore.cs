using System.Globalization;
using Garnet;

namespace CityPulse.Stores;

/// <summary>Garnet in this process, in memory only: nothing in Redis is allowed to be the only copy of anything.</summary>
internal sealed class RedisStore(StoreOptions options)
{
    public int Run(StoreLifetime lifetime)
    {
        string[] arguments =
        [
            "--bind", "127.0.0.1", "--port", options.Port.ToString(CultureInfo.InvariantCulture),
            "--memory", "64m", "--index", "4m", "--lua", "true", "-q", "true",
            .. options.Password is null ? Array.Empty<string>() : ["--auth", "Password", "--password", options.Password],
        ];
        try
        {
            using var server = new GarnetServer(arguments);
            server.Start();
            Console.WriteLine($"ready: redis on 127.0.0.1:{options.Port}");
            lifetime.WaitForStop();
            return 0;
        }
        catch (System.Net.Sockets.SocketException e)
        {
            throw new StoreException($"Garnet cannot listen on 127.0.0.1:{options.Port}: {e.Message}");
        }
    }
}
