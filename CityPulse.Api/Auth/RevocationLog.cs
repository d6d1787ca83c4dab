using CityPulse.Api.Data;
using CityPulse.ServiceDefaults.Revocations;
using Npgsql;
using StackExchange.Redis;

namespace CityPulse.Api.Auth;

/// <summary>
/// The table <c>revocations</c>, which the database itself fills whenever a token family or a device key ends, whatever ended it. A
/// point in it is the oldest transaction that may still be running: all before it is visible, so going on from there misses nothing.
/// </summary>
internal sealed class RevocationLog(NpgsqlDataSource source, DatabaseReady ready) : IRevocationSource
{
    public async Task<RevocationPage> ReadAsync(long since, CancellationToken cancellationToken)
    {
        // One statement, one snapshot: the point and the rows belong together.
        const string sql = """
            select s.xmin, r.id
            from (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as xmin) s
            left join revocations r on r.xact >= $1
            """;
        try
        {
            await ready.WaitAsync(cancellationToken);
            await using var command = source.CreateCommand(sql);
            command.Parameters.AddWithValue(since);
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            var ids = new List<Guid>();
            var next = since;
            while (await rows.ReadAsync(cancellationToken))
            {
                next = rows.GetInt64(0);
                if (!rows.IsDBNull(1))
                {
                    ids.Add(rows.GetGuid(1));
                }
            }

            return new RevocationPage(next, ids);
        }
        catch (NpgsqlException e)
        {
            throw new RevocationsUnavailableException("The database does not tell which sessions have ended.", e);
        }
    }
}

/// <summary>Makes a committed revocation count: here before the call returns, elsewhere as soon as Redis has told.</summary>
internal sealed partial class RevocationNews(IRevocations revocations, IConnectionMultiplexer redis, ILogger<RevocationNews> logger)
{
    public async Task TellAsync()
    {
        // It is committed, so nothing here may fail the request, and no client that leaves may stop it.
        await RevocationSignal.RingAsync(redis);
        try
        {
            await revocations.LookAsync(CancellationToken.None);
        }
        catch (RevocationsUnavailableException e)
        {
            LogLater(e);
        }
    }

    [LoggerMessage(LogLevel.Warning, "A session was ended, and this replica will know of it a moment later")]
    private partial void LogLater(Exception exception);
}
