using CityPulse.AiGateway.Accounting.Domain;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// Where calls that are over are written down first: whatever has come while the last were written is written next, with one row of the
/// journal for each organisation, in one round trip. Whoever waits goes on once the database has it, which is before its disk has
/// (docs/adr/0027). Rows are kept here until they are posted.
/// </summary>
internal sealed partial class CallJournal : IAsyncDisposable
{
    private const int MostAtOnce = 500;
    private const int MostUnposted = 10_000;
    private const int Turns = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Guid _replicaId;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action _written;
    private readonly Action<SettledCall> _refused;
    private readonly Lock _lock = new();
    private readonly Unposted<SettledCall> _unposted = new();
    private readonly LedgerSession _session;
    private List<SettledCall> _waiting = [];
    private Task _writing = Task.CompletedTask;
    private bool _isWriting;
    private long _upTo;
    private Guid _organizationId;
    private NpgsqlConnection? _toldOn;

    /// <param name="written">Is told that there is something to post.</param>
    /// <param name="refused">Is told of a call that the database will not have.</param>
    public CallJournal(TenantDatabase database, Guid replicaId, TimeProvider time, ILogger logger, Action written, Action<SettledCall> refused)
    {
        (_replicaId, _time, _logger, _written, _refused) = (replicaId, time, logger, written, refused);
        _session = new LedgerSession(database, LedgerStatements.DoNotWait);
    }

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _unposted.IsEmpty;
            }
        }
    }

    /// <summary>Calls that are here and nowhere else, perhaps.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _unposted.Count;
            }
        }
    }

    /// <summary>Whether rows are not posted as they should be, so that the disk may not have them for long.</summary>
    public bool IsLate(DateTimeOffset now)
    {
        lock (_lock)
        {
            return _unposted.Count > MostUnposted || now - _unposted.Since > Patience;
        }
    }

    /// <summary>Done when the database has it. Whoever comes first writes, until it would have to wait.</summary>
    public Task WriteAsync(SettledCall call)
    {
        lock (_lock)
        {
            _waiting.Add(call);
            if (_isWriting)
            {
                return call.Done;
            }

            _isWriting = true;
        }

        var writing = WriteAllAsync();
        lock (_lock)
        {
            _writing = Task.WhenAll(_writing, writing);
        }

        return call.Done;
    }

    /// <summary>Calls that could not be written, and that providers have been paid for.</summary>
    public void Keep(IEnumerable<SettledCall> calls)
    {
        lock (_lock)
        {
            foreach (var organization in calls.GroupBy(c => c.OrganizationId))
            {
                var row = _unposted.Add(organization.Key, [.. organization], _time.GetUtcNow());
                _upTo = _isWriting ? _upTo : row.Number;
            }
        }
    }

    /// <summary>Rows that the journal has or never will have.</summary>
    public IReadOnlyList<JournalRow<SettledCall>> Rows()
    {
        lock (_lock)
        {
            return _unposted.UpTo(_upTo);
        }
    }

    public void Release(long number)
    {
        lock (_lock)
        {
            _unposted.Release(number);
        }
    }

    public void Void(long number)
    {
        lock (_lock)
        {
            _unposted.Void(number);
        }
    }

    public Task WrittenAsync()
    {
        lock (_lock)
        {
            return _writing;
        }
    }

    /// <summary>Nobody has called for a while: the session goes back.</summary>
    public async Task RestAsync()
    {
        lock (_lock)
        {
            if (_isWriting || !_unposted.IsEmpty)
            {
                return;
            }

            _isWriting = true;
        }

        await _session.DisposeAsync();
        lock (_lock)
        {
            _isWriting = _waiting.Count > 0;
            _writing = _isWriting ? Task.WhenAll(_writing, Task.Run(WriteAllAsync)) : _writing;
        }
    }

    public ValueTask DisposeAsync() => _session.DisposeAsync();

    private async Task WriteAllAsync()
    {
        while (true)
        {
            List<SettledCall> calls;
            lock (_lock)
            {
                if (_waiting.Count == 0)
                {
                    _isWriting = false;
                    return;
                }

                calls = _waiting.Count <= MostAtOnce ? _waiting : _waiting[..MostAtOnce];
                _waiting = _waiting.Count <= MostAtOnce ? [] : _waiting[MostAtOnce..];
            }

            await WriteAsync(calls);
            _written();
            // Behind all that is ready to go on now, and what comes of that: the more there is to do, the more is written at once.
            for (var i = 0; i < Turns; i++)
            {
                await Task.Yield();
            }
        }
    }

    private async Task WriteAsync(List<SettledCall> calls)
    {
        var rows = Begin(calls);
        try
        {
            await _session.RunAsync((connection, isAgain) => TellAsync(connection, rows, isAgain));
            calls.ForEach(call => call.TryComplete(Verdict.Fits));
        }
        catch (PostgresException e) when (!LedgerSession.IsOfTheServer(e))
        {
            // Nothing of it was written, and only one of them may be to blame; the others are not to suffer for it.
            await _session.DisposeAsync();
            rows.ForEach(row => Void(row.Number));
            if (calls.Count > 1)
            {
                foreach (var call in calls)
                {
                    await WriteAsync([call]);
                }
            }
            else
            {
                LogRefused(calls[0].Id, e);
                _refused(calls[0]);
                calls[0].Fail(e);
            }
        }
        catch (Exception e)
        {
            // Whether the database has these nobody knows; whoever posts finds out.
            LogFailure(calls.Count, e);
            await _session.DisposeAsync();
            calls.ForEach(call => call.Fail(e));
        }
        finally
        {
            lock (_lock)
            {
                _upTo = _unposted.Last;
            }
        }
    }

    private List<JournalRow<SettledCall>> Begin(List<SettledCall> calls)
    {
        var now = _time.GetUtcNow();
        lock (_lock)
        {
            return calls.TrueForAll(c => c.OrganizationId == calls[0].OrganizationId)
                ? [_unposted.Add(calls[0].OrganizationId, calls, now)]
                : [.. calls.GroupBy(c => c.OrganizationId).Select(g => _unposted.Add(g.Key, [.. g], now))];
        }
    }

    private async Task TellAsync(NpgsqlConnection connection, List<JournalRow<SettledCall>> rows, bool isAgain)
    {
        if (connection != _toldOn)
        {
            (_toldOn, _organizationId) = (connection, default);
        }

        await using var batch = new NpgsqlBatch(connection);
        foreach (var row in rows)
        {
            if (row.OrganizationId != _organizationId)
            {
                batch.BatchCommands.Add(LedgerStatements.Of(row.OrganizationId));
                _organizationId = row.OrganizationId;
            }

            batch.BatchCommands.Add(LedgerStatements.Tell(_replicaId, row, isAgain));
        }

        await batch.PrepareAsync();
        await batch.ExecuteNonQueryAsync();
    }

    [LoggerMessage(LogLevel.Error, "{Count} calls could not be written into the journal.")]
    private partial void LogFailure(int count, Exception exception);

    [LoggerMessage(LogLevel.Error, "The journal refuses the call {Id}.")]
    private partial void LogRefused(Guid id, Exception exception);
}
