using CityPulse.AiGateway.Accounting.Domain;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// This replica's one hand in the accounts: whatever has come while it wrote is written next, all of it in one transaction and one round
/// trip. Between two writes money is handed out of purses. A call that is over waits until the database has it, and not for the disk
/// (docs/adr/0025): until the disk has it too it is kept here, and told again where the database fell in between.
/// </summary>
internal sealed partial class LedgerWriter : IAsyncDisposable
{
    private const int MostEntries = 500;
    private const int MostUnflushed = 10_000;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    /// <summary>What the disk has not after so long is waited for, as is all that comes meanwhile.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private readonly ILogger<LedgerWriter> _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<PurseKey, HeldPurse> _purses = [];
    private readonly Unflushed<LedgerEntry> _unflushed = new();
    private readonly LedgerSession _session;
    private readonly LedgerFlush _flush;
    private readonly ITimer _review;
    private List<LedgerEntry> _pending = [];
    private Task _writing = Task.CompletedTask;
    private bool _isWriting;
    private bool _isStopping;

    public LedgerWriter(TenantDatabase database, TimeProvider time, ILogger<LedgerWriter> logger)
    {
        (_time, _logger) = (time, logger);
        _session = new LedgerSession(database, logger);
        _flush = new LedgerFlush(database, time, logger, UnflushedUpTo, upTo => Add(new ConfirmedFlush(upTo)));
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

    /// <summary>Writes a call down; done when neither a fall of this process nor one of the database's loses it.</summary>
    public Task WriteAsync(SettledCall call)
    {
        Add(call);
        return call.Done;
    }

    public async ValueTask DisposeAsync()
    {
        await _review.DisposeAsync();
        lock (_lock)
        {
            _isStopping = true;
            foreach (var purse in _purses.Values.Where(p => p.Money.FreeUsd > 0))
            {
                purse.Money.Rest();
                AddUnderLock(new ReviewedPurse(purse));
            }
        }

        await WrittenAsync();
        await _flush.StopAsync();
        await WrittenAsync();
        await _flush.DisposeAsync();
        if (_unflushed.Items.OfType<SettledCall>().Count() is var lost and > 0)
        {
            LogLost(lost);
        }

        await _session.DisposeAsync();
    }

    private Task WrittenAsync()
    {
        lock (_lock)
        {
            return _writing;
        }
    }

    /// <summary>Whoever comes first writes, until it would have to wait.</summary>
    private void Add(LedgerEntry entry)
    {
        lock (_lock)
        {
            EnqueueUnderLock(entry);
            if (_isWriting)
            {
                return;
            }

            _isWriting = true;
        }

        var writing = WritePendingAsync();
        lock (_lock)
        {
            _writing = Task.WhenAll(_writing, writing);
        }
    }

    private void AddUnderLock(LedgerEntry entry)
    {
        EnqueueUnderLock(entry);
        if (!_isWriting)
        {
            _isWriting = true;
            _writing = Task.Run(WritePendingAsync);
        }
    }

    private void EnqueueUnderLock(LedgerEntry entry)
    {
        _pending.Add(entry);
        if (entry.Purse is { } purse)
        {
            purse.Pending++;
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

            // Behind all that is ready to go on now: the more there is to do, the more is written at once.
            await Task.Yield();
        }
    }

    private async Task WriteAsync(List<LedgerEntry> entries)
    {
        try
        {
            await WriteAtOnceAsync(entries);
        }
        catch (PostgresException e) when (entries.Count > 1 && !LedgerSession.IsOfTheServer(e))
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
            await LoseSessionAsync();
            // Whether the database has these nobody knows, but providers have been paid.
            if (e is not PostgresException refusal || LedgerSession.IsOfTheServer(refusal))
            {
                Keep([.. entries.Where(entry => entry is SettledCall)]);
            }

            foreach (var entry in entries)
            {
                entry.Fail(e);
            }
        }
    }

    private async Task WriteAtOnceAsync(List<LedgerEntry> entries)
    {
        var now = _time.GetUtcNow();
        if (!_session.IsOpen)
        {
            await OpenSessionAsync();
        }

        var batch = new LedgerBatch(entries, _lock, now, HasToWait(entries, now));
        await _session.WriteAsync(batch);
        lock (_lock)
        {
            var flushed = entries.OfType<ConfirmedFlush>().Select(f => f.UpTo).DefaultIfEmpty().Max();
            if (batch.Waits)
            {
                flushed = _unflushed.Last;
            }
            else if (!entries.TrueForAll(e => e is ConfirmedFlush))
            {
                _unflushed.Add(entries, now);
            }

            ReleaseUnderLock(flushed);
            batch.Learn(_unflushed.Last, AddUnderLock);
        }

        foreach (var entry in entries)
        {
            (entry as SettledCall)?.TryComplete(Verdict.Fits);
        }

        FlushSoon();
    }

    /// <summary>Money that is granted is not handed out before the disk has it, so who waits for money waits for the disk.</summary>
    private bool HasToWait(List<LedgerEntry> entries, DateTimeOffset now)
    {
        lock (_lock)
        {
            return _isStopping || _unflushed.Count > MostUnflushed || now - _unflushed.Since > Patience
                || entries.Exists(e => e is WaitingCall || e.Purse is { IsOpened: false });
        }
    }

    private async Task OpenSessionAsync()
    {
        List<SettledCall> doubtful;
        lock (_lock)
        {
            doubtful = [.. _unflushed.Items.OfType<SettledCall>()];
        }

        await _session.OpenAsync(doubtful);
        lock (_lock)
        {
            ReleaseUnderLock(_unflushed.Last);
        }
    }

    private async Task LoseSessionAsync()
    {
        lock (_lock)
        {
            foreach (var purse in _purses.Values)
            {
                purse.Doubt();
            }
        }

        await _session.DisposeAsync();
    }

    private void Keep(List<LedgerEntry> calls)
    {
        lock (_lock)
        {
            if (_unflushed.Count >= MostUnflushed)
            {
                LogLost(calls.Count);
                return;
            }

            _unflushed.Add(calls, _time.GetUtcNow());
        }

        FlushSoon();
    }

    private void ReleaseUnderLock(long upTo)
    {
        foreach (var entry in _unflushed.Release(upTo))
        {
            if (entry.Purse is { } purse && purse.GrantedBy <= upTo)
            {
                purse.Money.Flushed();
            }
        }
    }

    private void FlushSoon()
    {
        if (UnflushedUpTo() is not null)
        {
            _flush.Soon();
        }
    }

    private long? UnflushedUpTo()
    {
        lock (_lock)
        {
            return _unflushed.IsEmpty ? null : _unflushed.Last;
        }
    }

    /// <summary>Purses that nobody has used since the last time give back what they hold; reservations of long calls are kept alive.</summary>
    internal void Review()
    {
        IDisposable? idle = null;
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

                if (isIdle && purse.Money.IsEmpty && !purse.IsInDoubt)
                {
                    _purses.Remove(purse.Key);
                }
                else if (purse.Money.HasTooMuch || now >= purse.RenewAt)
                {
                    AddUnderLock(new ReviewedPurse(purse));
                }
            }

            if (!_isWriting && _unflushed.IsEmpty)
            {
                idle = _session.Close();
            }
        }

        idle?.Dispose();
    }

    [LoggerMessage(LogLevel.Error, "{Count} entries could not be written into the accounts.")]
    private partial void LogFailure(int count, Exception exception);

    [LoggerMessage(LogLevel.Error, "{Count} calls may be missing in the accounts: the database does not answer.")]
    private partial void LogLost(int count);
}
