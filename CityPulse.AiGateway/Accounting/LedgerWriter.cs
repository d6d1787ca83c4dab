using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// This replica's one hand in the accounts: whatever has come while it wrote is written next, all of it in one transaction and one round
/// trip, so that a hundred calls wait for the disk together. Between two writes money is handed out of purses.
/// </summary>
internal sealed partial class LedgerWriter : IAsyncDisposable
{
    private const int MostEntries = 500;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private readonly TenantDatabase _database;
    private readonly TimeProvider _time;
    private readonly ILogger<LedgerWriter> _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<PurseKey, HeldPurse> _purses = [];
    private readonly ITimer _review;
    private List<LedgerEntry> _pending = [];
    private Task _writing = Task.CompletedTask;
    private bool _isWriting;
    private NpgsqlConnection? _connection;

    public LedgerWriter(TenantDatabase database, TimeProvider time, ILogger<LedgerWriter> logger)
    {
        (_database, _time, _logger) = (database, time, logger);
        _review = time.CreateTimer(_ => Review(), null, Rest, Rest);
    }

    /// <summary>Sets money aside; from the purse where it has so much, else the accounts are asked.</summary>
    /// <returns>The purse that holds it, or whose budget has not so much left.</returns>
    public async ValueTask<(HeldPurse Purse, Verdict Verdict)> TakeAsync(
        PurseKey key, decimal? organizationLimitUsd, decimal? userLimitUsd, decimal amountUsd, TimeSpan lifetime, CancellationToken cancellationToken)
    {
        WaitingCall waiting;
        lock (_lock)
        {
            if (!_purses.TryGetValue(key, out var purse))
            {
                _purses[key] = purse = new HeldPurse(key, organizationLimitUsd, userLimitUsd, lifetime, Guid.CreateVersion7(_time.GetUtcNow()));
            }

            purse.WasUsed = true;
            // A reservation is no good to the end: a replica whose clock goes first may give it back.
            if (_time.GetUtcNow() < purse.RenewAt && purse.Money.TryTake(amountUsd))
            {
                return (purse, Verdict.Fits);
            }

            waiting = new WaitingCall(purse, amountUsd);
        }

        Add(waiting);
        await using var registration = cancellationToken.Register(() => waiting.Cancel(cancellationToken));
        return (waiting.Purse!, await waiting.Done);
    }

    /// <summary>Writes a call down; done when it is on the disk.</summary>
    public Task WriteAsync(SettledCall call)
    {
        Add(call);
        return call.Done;
    }

    public async ValueTask DisposeAsync()
    {
        await _review.DisposeAsync();
        Task writing;
        lock (_lock)
        {
            foreach (var purse in _purses.Values.Where(p => p.Money.FreeUsd > 0))
            {
                purse.Money.Rest();
                AddUnderLock(new ReviewedPurse(purse));
            }

            writing = _writing;
        }

        await writing;
        if (_connection is { } connection)
        {
            await connection.DisposeAsync();
        }
    }

    private void Add(LedgerEntry entry)
    {
        lock (_lock)
        {
            AddUnderLock(entry);
        }
    }

    private void AddUnderLock(LedgerEntry entry)
    {
        _pending.Add(entry);
        if (entry.Purse is { } purse)
        {
            purse.Pending++;
        }

        if (!_isWriting)
        {
            _isWriting = true;
            _writing = Task.Run(WritePendingAsync);
        }
    }

    private async Task WritePendingAsync()
    {
        while (true)
        {
            List<LedgerEntry> entries;
            lock (_lock)
            {
                if (_pending.Count == 0)
                {
                    _isWriting = false;
                    return;
                }

                entries = _pending.Count <= MostEntries ? _pending : _pending[..MostEntries];
                _pending = _pending.Count <= MostEntries ? [] : _pending[MostEntries..];
            }

            await WriteAsync(entries);
            lock (_lock)
            {
                foreach (var entry in entries)
                {
                    if (entry.Purse is { } purse)
                    {
                        purse.Pending--;
                    }
                }
            }
        }
    }

    private async Task WriteAsync(List<LedgerEntry> entries)
    {
        try
        {
            await WriteAtOnceAsync(entries);
        }
        catch (PostgresException e) when (entries.Count > 1 && !e.SqlState.StartsWith("57", StringComparison.Ordinal))
        {
            // Nothing of it was written, and only one of them may be to blame; the others are not to suffer for it.
            foreach (var entry in entries)
            {
                await WriteAsync([entry]);
            }
        }
        catch (Exception e)
        {
            LogFailure(entries.Count, e);
            if (_connection is { } broken)
            {
                _connection = null;
                await broken.DisposeAsync();
            }

            foreach (var entry in entries)
            {
                entry.Fail(e);
            }
        }
    }

    private async Task WriteAtOnceAsync(List<LedgerEntry> entries)
    {
        var batch = new LedgerBatch(entries, _lock, _time.GetUtcNow());
        await batch.WriteAsync(_connection ??= await _database.Requests.OpenConnectionAsync());
        lock (_lock)
        {
            batch.Learn(AddUnderLock);
        }

        foreach (var entry in entries)
        {
            (entry as SettledCall)?.TryComplete(Verdict.Fits);
        }
    }

    /// <summary>Purses that nobody has used since the last time give back what they hold; reservations of long calls are kept alive.</summary>
    internal void Review()
    {
        NpgsqlConnection? idle = null;
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            foreach (var purse in _purses.Values.Where(p => p.Pending == 0).ToList())
            {
                var isIdle = !purse.WasUsed;
                purse.WasUsed = false;
                if (isIdle)
                {
                    purse.Money.Rest();
                }

                if (isIdle && purse.Money.IsEmpty)
                {
                    _purses.Remove(purse.Key);
                }
                else if (purse.Money.HasTooMuch || now >= purse.RenewAt)
                {
                    AddUnderLock(new ReviewedPurse(purse));
                }
            }

            if (!_isWriting)
            {
                (idle, _connection) = (_connection, null);
            }
        }

        idle?.Dispose();
    }

    [LoggerMessage(LogLevel.Error, "{Count} entries could not be written into the accounts.")]
    private partial void LogFailure(int count, Exception exception);
}
