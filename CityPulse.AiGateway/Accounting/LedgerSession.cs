using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>The session with the database that everything is written on; a new one begins with what the one before may have lost.</summary>
internal sealed partial class LedgerSession(TenantDatabase database, ILogger logger) : IAsyncDisposable
{
    private NpgsqlConnection? _connection;

    public bool IsOpen => _connection is not null;

    /// <summary>Opens it, if it is not.</summary>
    /// <param name="doubtful">What was told to the session before and may not be on the disk; on the disk when this is done.</param>
    public async Task OpenAsync(IReadOnlyList<SettledCall> doubtful)
    {
        var connection = await database.Requests.OpenConnectionAsync();
        try
        {
            await using var plan = new NpgsqlCommand(LedgerStatements.PlanOnce, connection);
            await plan.ExecuteNonQueryAsync();
            if (doubtful.Count > 0)
            {
                await TellAgainAsync(connection, doubtful);
                LogAgain(doubtful.Count);
            }
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        _connection = connection;
    }

    public Task WriteAsync(LedgerBatch batch) => batch.WriteAsync(_connection!);

    /// <returns>What has to be given back.</returns>
    public IDisposable? Close()
    {
        var connection = _connection;
        _connection = null;
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }

    /// <summary>It stops, starts or has no room: nothing to do with what was written.</summary>
    public static bool IsOfTheServer(PostgresException e) => e.SqlState[..2] is "08" or "53" or "57" or "58";

    private async Task TellAgainAsync(NpgsqlConnection connection, IReadOnlyList<SettledCall> calls)
    {
        try
        {
            await LedgerBatch.WriteAgainAsync(connection, calls);
        }
        catch (PostgresException e) when (!IsOfTheServer(e))
        {
            if (calls.Count == 1)
            {
                // It was refused for what it is; all that comes after must not wait for it forever.
                LogRefused(calls[0].Id, e);
                return;
            }

            foreach (var call in calls)
            {
                await TellAgainAsync(connection, [call]);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} calls were told to the accounts again, since the session that had told them is lost.")]
    private partial void LogAgain(int count);

    [LoggerMessage(LogLevel.Error, "The accounts refuse the call {Id}.")]
    private partial void LogRefused(Guid id, Exception exception);
}
