using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>A session with the database that is kept as long as it is used, and has its statements prepared.</summary>
/// <param name="settings">What it begins with.</param>
internal sealed class LedgerSession(TenantDatabase database, string settings) : IAsyncDisposable
{
    private NpgsqlConnection? _connection;

    /// <summary>
    /// Runs what may be done twice: once more on a new session, where the one that was open, or lay idle, turns out to be lost.
    /// </summary>
    /// <param name="work">Is told whether it may have been done already.</param>
    public async Task RunAsync(Func<NpgsqlConnection, bool, Task> work)
    {
        try
        {
            await work(await OpenAsync(), false);
        }
        catch (NpgsqlException e) when (e.InnerException is not TimeoutException && (e is not PostgresException refusal || IsOfTheServer(refusal)))
        {
            await DisposeAsync();
            // Those that lie idle are lost with it.
            database.Requests.Clear();
            await work(await OpenAsync(), true);
        }
    }

    private async ValueTask<NpgsqlConnection> OpenAsync()
    {
        if (_connection is { } open)
        {
            return open;
        }

        var connection = await database.Requests.OpenConnectionAsync();
        try
        {
            await using var begin = new NpgsqlCommand(settings, connection);
            await begin.ExecuteNonQueryAsync();
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        return _connection = connection;
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
}
