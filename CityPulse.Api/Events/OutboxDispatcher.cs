using CityPulse.Api.Data;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace CityPulse.Api.Events;

/// <summary>
/// Gives committed records their places in the one order and tells them to Redis. One replica does. Places go on being given while Redis
/// is away; what could not be told then is told in order when it is back. A record may be told twice (after a takeover), so
/// receivers drop places that they have had; each record names the place before it, so they notice what they missed.
/// </summary>
internal sealed class OutboxDispatcher(
    NpgsqlDataSource source, IConnectionMultiplexer redis, DatabaseReady ready, OutboxSignal signal, IOptions<OutboxOptions> options, TimeProvider time,
    ILogger<OutboxDispatcher> logger)
    : ElectedWork(source, ready, time, logger, AdvisoryLockKeys.Dispatcher, "the telling of events")
{
    private readonly TimeProvider _time = time;
    private readonly ILogger<OutboxDispatcher> _logger = logger;

    protected override Task WorkAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        new OutboxTerm(connection, redis, signal, options.Value, _time, _logger).RunAsync(cancellationToken);
}
