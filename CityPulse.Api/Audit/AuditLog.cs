using System.Diagnostics.Metrics;
using System.Threading.Channels;
using CityPulse.Api.Data;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Audit;

/// <summary>
/// Writes the audit log. What was done is written before its answer leaves. Refusals are queued and written together: they change nothing,
/// there may be many of them, and the wait would tell a known address from an unknown one.
/// </summary>
internal sealed partial class AuditLog : BackgroundService
{
    private const int MostWaiting = 10_000;
    private const int AtOnce = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly NpgsqlDataSource _source;
    private readonly DatabaseReady _ready;
    private readonly ILogger<AuditLog> _logger;
    private readonly Counter<long> _lost;
    private readonly Channel<AuditEntry> _waiting;

    public AuditLog(NpgsqlDataSource source, DatabaseReady ready, IMeterFactory meters, ILogger<AuditLog> logger)
    {
        (_source, _ready, _logger) = (source, ready, logger);
        _lost = meters.Create("CityPulse.Audit").CreateCounter<long>(
            "citypulse.audit.lost", description: "Entries that were not written: refusals beyond a person's budget, or beyond the queue.");
        _lost.Add(0);
        _waiting = Channel.CreateBounded<AuditEntry>(
            new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true }, _ => _lost.Add(1));
    }

    /// <summary>Written when it returns; queued when the database does not take it now.</summary>
    public async Task WriteAsync(AuditEntry entry)
    {
        try
        {
            await InsertAsync([entry], CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            LogLater(e);
            Queue(entry);
        }
    }

    /// <summary>Written soon.</summary>
    public void Queue(AuditEntry entry) => _waiting.Writer.TryWrite(entry);

    /// <summary>A refusal that is not worth a row.</summary>
    public void Skip() => _lost.Add(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await _ready.WaitAsync(stoppingToken);
        while (await _waiting.Reader.WaitToReadAsync(stoppingToken))
        {
            await WriteWaitingAsync(stoppingToken);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        await base.StopAsync(cancellationToken);
        if (_ready.IsReady)
        {
            await WriteWaitingAsync(cancellationToken);
        }
    }

    private async Task WriteWaitingAsync(CancellationToken cancellationToken)
    {
        var entries = new List<AuditEntry>();
        while (entries.Count < AtOnce && _waiting.Reader.TryRead(out var entry))
        {
            entries.Add(entry);
        }

        while (entries.Count > 0)
        {
            try
            {
                await InsertAsync(entries, cancellationToken);
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException)
            {
                LogLater(e);
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    private async Task InsertAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken)
    {
        // An entry may come twice, after a commit that nobody heard of.
        const string sql = """
            insert into audit_log (id, organization_id, at, user_id, device_key_id, action, resource, outcome, status, frontend, client_ip, request_id, detail)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            on conflict (id) do nothing
            """;
        await using var batch = _source.CreateBatch();
        foreach (var e in entries)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(sql)
            {
                Parameters =
                {
                    Value(NpgsqlDbType.Uuid, e.Id), Value(NpgsqlDbType.Uuid, e.OrganizationId), Value(NpgsqlDbType.TimestampTz, e.At),
                    Value(NpgsqlDbType.Uuid, e.UserId), Value(NpgsqlDbType.Uuid, e.DeviceKeyId), Value(NpgsqlDbType.Text, e.Action),
                    Value(NpgsqlDbType.Text, e.Resource), Value(NpgsqlDbType.Text, e.Outcome), Value(NpgsqlDbType.Integer, e.Status),
                    Value(NpgsqlDbType.Text, e.Frontend), Value(NpgsqlDbType.Text, e.ClientIp), Value(NpgsqlDbType.Text, e.RequestId),
                    Value(NpgsqlDbType.Text, e.Detail),
                },
            });
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);

        static NpgsqlParameter Value(NpgsqlDbType type, object? value) => new() { NpgsqlDbType = type, Value = value ?? DBNull.Value };
    }

    [LoggerMessage(LogLevel.Warning, "The audit log cannot be written; the entries wait")]
    private partial void LogLater(Exception exception);
}
