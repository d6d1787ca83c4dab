using System.Text.Json;
using CityPulse.Api.Data;
using CityPulse.Api.Events;
using CityPulse.Api.Presence.Domain;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Npgsql;
using StackExchange.Redis;

namespace CityPulse.Api.Presence;

/// <summary>The data of <c>presence.changed</c>.</summary>
internal sealed record PresenceResponse(IReadOnlyList<PresentResponse> Online);

/// <param name="DisplayName">As the person's account has it; what clients say of themselves counts for nothing.</param>
internal sealed record PresentResponse(Guid UserId, string DisplayName, string? Frontend);

/// <summary>
/// Tells who is connected, whenever that changes: brings together what the replicas of Realtime report in Redis, adds the
/// names, and puts the event into the outbox like any other. One replica does. With Redis away nothing is known, and
/// nothing is told, until it is back and everybody has reported anew.
/// </summary>
internal sealed partial class PresenceTeller(
    NpgsqlDataSource source, DatabaseReady ready, IConnectionMultiplexer redis, Outbox outbox, OutboxSignal signal, TimeProvider time,
    ILogger<PresenceTeller> logger)
    : ElectedWork(source, ready, time, logger, AdvisoryLockKeys.Presence, "the telling of who is connected")
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AssureEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Recovery = PresenceReport.Renewal + TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time = time;

    protected override async Task WorkAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Who came into office has told nothing yet, and begins with telling everybody everything.
        var ledger = new PresenceLedger();
        var assured = _time.GetTimestamp();
        using var ticks = new PeriodicTimer(LookEvery, _time);
        do
        {
            if (_time.GetElapsedTime(assured) > AssureEvery)
            {
                await AssureOfficeAsync(connection, cancellationToken);
                assured = _time.GetTimestamp();
            }

            try
            {
                if (await ReadAsync(cancellationToken) is { } reports)
                {
                    await TellAsync(connection, ledger, reports, cancellationToken);
                }
            }
            catch (Exception e) when (e is RedisException or RedisTimeoutException)
            {
                LogAway(e.Message);
                await Task.Delay(PresenceReport.Renewal, _time, cancellationToken);
            }
        }
        while (await ticks.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>The reports that count; null when Redis has lost them, and not all can be there again.</summary>
    private async Task<Dictionary<string, PresenceReport>?> ReadAsync(CancellationToken cancellationToken)
    {
        var database = redis.GetDatabase();
        if (await database.StringSetAsync(PresenceReport.Marker, "1", when: When.NotExists))
        {
            await Task.Delay(Recovery, _time, cancellationToken);
            return null;
        }

        var reports = new Dictionary<string, PresenceReport>();
        foreach (var replica in await database.SetMembersAsync(PresenceReport.Replicas))
        {
            if ((byte[]?)await database.StringGetAsync(PresenceReport.Key(replica!)) is not { } json)
            {
                await database.SetRemoveAsync(PresenceReport.Replicas, replica);
                continue;
            }

            try
            {
                reports[replica!] = JsonSerializer.Deserialize<PresenceReport>(json, JsonSerializerOptions.Web)!;
            }
            catch (JsonException e)
            {
                LogBroken(e);
            }
        }

        return reports;
    }

    private async Task TellAsync(
        NpgsqlConnection connection, PresenceLedger ledger, Dictionary<string, PresenceReport> reports, CancellationToken cancellationToken)
    {
        foreach (var (organization, online) in ledger.Judge(reports))
        {
            var names = await NamesAsync(connection, online.Select(person => person.UserId).Distinct(), cancellationToken);
            var answer = new PresenceResponse(
            [
                .. online.Where(person => names.ContainsKey(person.UserId))
                    .Select(person => new PresentResponse(person.UserId, names[person.UserId], person.Frontend is { } frontend ? FrontendNames.Of(frontend) : null))
                    .OrderBy(person => person.DisplayName, StringComparer.Ordinal).ThenBy(person => person.UserId).ThenBy(person => person.Frontend, StringComparer.Ordinal),
            ]);
            await outbox.AppendAsync(connection, organization, "presence.changed", [Topics.Presence], answer, cancellationToken);
            signal.Ring();
            ledger.Told(organization, online, reports);
        }
    }

    private static async Task<Dictionary<Guid, string>> NamesAsync(NpgsqlConnection connection, IEnumerable<Guid> users, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT id, display_name FROM users WHERE id = ANY ($1)", connection)
        {
            Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = [.. users] } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var names = new Dictionary<Guid, string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            names.Add(reader.GetGuid(0), reader.GetString(1));
        }

        return names;
    }

    [LoggerMessage(LogLevel.Warning, "Redis does not tell who is connected: {Reason}")]
    private partial void LogAway(string reason);

    [LoggerMessage(LogLevel.Error, "A report of who is connected cannot be read")]
    private partial void LogBroken(Exception exception);
}
