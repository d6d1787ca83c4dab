using System.Net;
using System.Text.Json;
using CityPulse.AiGateway.Conversations;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Json;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using static CityPulse.AiGateway.Swarm.RunSql;

namespace CityPulse.AiGateway.Swarm;

/// <summary>
/// Tells stored events to the live stream, topic <c>swarm/{runId}</c>, in their order, after their commit: Api puts them into its outbox.
/// How far a run has been told stands in its row, so another replica goes on there; what was told just before a crash may be told again.
/// </summary>
internal sealed partial class RunTeller(
    NpgsqlDataSource source, IHttpClientFactory clients, RunSignals signals, ConversationSchema schema, IOptions<SwarmOptions> options,
    IOptions<FeatureOptions> features, TimeProvider time, ILogger<RunTeller> logger)
    : BackgroundService
{
    public const string ClientName = "swarm-events";

    private const int AtOnce = 100;

    /// <summary>As long as the stream's own history: who was away for longer reads the run.</summary>
    private static readonly TimeSpan WorthTelling = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    private bool _isAway;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (features.Value is not { Swarm: true, Realtime: true })
        {
            return;
        }

        while (true)
        {
            var next = signals.Next;
            try
            {
                if ((await schema.CheckHealthAsync(new HealthCheckContext(), stoppingToken)).Status == HealthStatus.Healthy)
                {
                    while (await TellAsync(stoppingToken))
                    {
                        _isAway = false;
                    }
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                if (!_isAway)
                {
                    _isAway = true;
                    LogAway(e);
                }

                await Task.Delay(AfterFault, time, stoppingToken);
            }

            await signals.WaitAsync(next, options.Value.Poll, stoppingToken);
        }
    }

    /// <summary>Tells the next events of one run, under a lock that holds up tellers and nobody else. False when there are none.</summary>
    private async Task<bool> TellAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        Guid runId, organizationId;
        long told;
        await using (var find = new NpgsqlCommand("""
            select id, organization_id, told_event from ai.swarm_runs
            where told_event < last_event and pg_try_advisory_xact_lock(hashtextextended(id::text, 17)) limit 1
            """, connection, transaction))
        await using (var reader = await find.ExecuteReaderAsync(cancellationToken))
        {
            if (!await reader.ReadAsync(cancellationToken))
            {
                return false;
            }

            (runId, organizationId, told) = (reader.GetGuid(0), reader.GetGuid(1), reader.GetInt64(2));
        }

        var events = new List<(long Number, string Type, DateTimeOffset At, string Data)>();
        await using (var read = new NpgsqlCommand(
            $"select number, type, at, data from ai.swarm_events where run_id = $1 and number > $2 order by number limit {AtOnce}", connection, transaction)
        {
            Parameters = { Id(runId), Long(told) },
        })
        await using (var reader = await read.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                events.Add((reader.GetInt64(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), reader.GetString(3)));
            }
        }

        using var client = clients.CreateClient(ClientName);
        var fault = (Exception?)null;
        foreach (var one in events)
        {
            try
            {
                if (time.GetUtcNow() - one.At < WorthTelling)
                {
                    await TellAsync(client, runId, organizationId, one.Type, one.Data, cancellationToken);
                }

                told = one.Number;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                // What was told before it is told, and noted.
                fault = e;
                break;
            }
        }

        await using (var note = new NpgsqlCommand("update ai.swarm_runs set told_event = greatest(told_event, $2) where id = $1", connection, transaction)
        {
            Parameters = { Id(runId), Long(told) },
        })
        {
            await note.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return fault is null ? true : throw new HttpRequestException("Api does not take the events of runs at the moment.", fault);
    }

    private async Task TellAsync(HttpClient client, Guid runId, Guid organizationId, string type, string data, CancellationToken cancellationToken)
    {
        var body = new { organizationId, type, topics = (string[])[Topics.SwarmRun(runId)], data = JsonElement.Parse(data) };
        using var response = await client.PostAsJsonAsync(new Uri("/internal/events", UriKind.Relative), body, JsonDefaults.Options, cancellationToken);
        if (response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge)
        {
            // It would be refused for ever; the record has it.
            LogRefused(runId, type, (int)response.StatusCode);
            return;
        }

        response.EnsureSuccessStatusCode();
    }

    [LoggerMessage(LogLevel.Warning, "Events of runs cannot be told to the live stream at the moment; they are kept")]
    private partial void LogAway(Exception exception);

    [LoggerMessage(LogLevel.Error, "The live stream refused an event {Type} of the run {RunId} with {Status}")]
    private partial void LogRefused(Guid runId, string type, int status);
}
