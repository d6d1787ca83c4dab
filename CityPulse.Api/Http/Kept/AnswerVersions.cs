using Npgsql;
using NpgsqlTypes;

namespace CityPulse.Api.Http.Kept;

/// <summary>
/// The version of what an organisation's answers show, always as the database has it now. Who asks while a look is under way waits for
/// the next one, which begins later than the question: so every look is new enough for all whom it serves, and one round trip serves
/// many.
/// </summary>
internal sealed class AnswerVersions(NpgsqlDataSource source)
{
    private sealed class Look
    {
        public HashSet<Guid> Organizations { get; } = [];

        public TaskCompletionSource<Dictionary<Guid, long>> Seen { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private readonly Lock _lock = new();
    private Look? _next;
    private bool _isLooking;

    /// <exception cref="NpgsqlException">The database cannot be asked.</exception>
    public async ValueTask<long> ReadAsync(Guid organizationId)
    {
        Look look;
        var isFirst = false;
        lock (_lock)
        {
            look = _next ??= new Look();
            look.Organizations.Add(organizationId);
            if (!_isLooking)
            {
                _isLooking = isFirst = true;
            }
        }

        if (isFirst)
        {
            // Nobody's own: a look belongs to no request's trace.
            ThreadPool.UnsafeQueueUserWorkItem(static versions => _ = versions.LookAsync(), this, preferLocal: false);
        }

        return (await look.Seen.Task).GetValueOrDefault(organizationId);
    }

    private async Task LookAsync()
    {
        while (true)
        {
            Look look;
            lock (_lock)
            {
                if (_next is null)
                {
                    _isLooking = false;
                    return;
                }

                (look, _next) = (_next, null);
            }

            try
            {
                look.Seen.SetResult(await ReadAsync(look.Organizations));
            }
            catch (Exception e)
            {
                look.Seen.SetException(e);
            }

            // Whoever can go on goes first: on a busy machine many more ask meanwhile and share the next look, on an idle one nothing waits.
            await Task.Yield();
        }
    }

    private async Task<Dictionary<Guid, long>> ReadAsync(HashSet<Guid> organizations)
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            "SELECT organization_id, sum(version)::bigint FROM answer_versions WHERE organization_id = ANY ($1) GROUP BY organization_id", connection);
        command.CommandTimeout = 5;
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. organizations], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        // Kept prepared by the connection; from the second time on this costs nothing.
        await command.PrepareAsync();
        await using var reader = await command.ExecuteReaderAsync();
        var versions = new Dictionary<Guid, long>(organizations.Count);
        while (await reader.ReadAsync())
        {
            versions[reader.GetGuid(0)] = reader.GetInt64(1);
        }

        return versions;
    }
}
