using CityPulse.AiGateway.Conversations;
using CityPulse.ServiceDefaults.Tenancy;
using Npgsql;
using NpgsqlTypes;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// The purses of this replica, and the two ways into the accounts: a call that is over goes into the usage, and what it cost is posted soon
/// after (docs/adr/0027); whatever changes how much money is set aside is written into the accounts while somebody waits for it.
/// </summary>
internal sealed partial class LedgerWriter : IAsyncDisposable
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private readonly TenantDatabase _database;
    private readonly ConversationSchema _schema;
    private readonly TimeProvider _time;
    private readonly ILogger<LedgerWriter> _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<PurseKey, HeldPurse> _purses = [];
    private readonly CallJournal _journal;
    private readonly LedgerPosting _posting;
    private readonly ITimer _review;
    private Task _reviewing = Task.CompletedTask;
    private bool _isStopping;

    public LedgerWriter(TenantDatabase database, ConversationSchema schema, TimeProvider time, ILogger<LedgerWriter> logger)
    {
        (_database, _schema, _time, _logger) = (database, schema, time, logger);
        var replicaId = Guid.CreateVersion7(time.GetUtcNow());
        _journal = new CallJournal(database, replicaId, time, logger, () => _posting!.Soon(), Forget);
        _posting = new LedgerPosting(database, _journal, replicaId, _lock, time, logger, DoubtUnderLock);
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
            _posting.AddUnderLock(waiting);
        }

        await using var registration = cancellationToken.Register(() => waiting.Cancel(cancellationToken));
        return (waiting.Purse!, await waiting.Done);
    }

    /// <summary>Writes a call down; done when neither a fall of this process nor one of the database's loses it.</summary>
    public Task WriteAsync(SettledCall call)
    {
        var now = _time.GetUtcNow();
        var isLate = _journal.IsLate(now);
        lock (_lock)
        {
            if (isLate || _isStopping || (call.Purse is { } purse && !TryOweUnderLock(call, purse, now)))
            {
                _posting.AddUnderLock(call);
                return call.Done;
            }
        }

        return _journal.WriteAsync(call);
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
                _posting.AddUnderLock(new ReviewedPurse(purse));
            }
        }

        await _reviewing;
        await _journal.WrittenAsync();
        await _posting.StopAsync();
        if (_journal.Count is var lost and > 0)
        {
            LogLost(lost);
        }

        await _journal.DisposeAsync();
        await _posting.DisposeAsync();
    }

    /// <summary>
    /// Whether the accounts may learn a moment later what a call cost: they still hold it for its purse, which neither has too much then,
    /// which others may lack, nor has to say that it is still there.
    /// </summary>
    private bool TryOweUnderLock(SettledCall call, HeldPurse purse, DateTimeOffset now)
    {
        if (now >= purse.RenewAt || !call.IsCovered)
        {
            return false;
        }

        call.Owe();
        if (purse.Money.HasTooMuch)
        {
            return false;
        }

        if (purse is { Money.HasTooLittle: true, IsFilling: false })
        {
            purse.IsFilling = true;
            _posting.AddUnderLock(new ReviewedPurse(purse));
        }

        return true;
    }

    private void Forget(SettledCall call)
    {
        lock (_lock)
        {
            call.Posted();
        }
    }

    private void DoubtUnderLock()
    {
        foreach (var purse in _purses.Values)
        {
            purse.Doubt();
        }
    }

    /// <summary>Purses that nobody has used since the last time give back what they hold; reservations of long calls are kept alive.</summary>
    internal void Review()
    {
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
                    _posting.AddUnderLock(new ReviewedPurse(purse));
                }
            }

            // Before the schema is there, neither is the worker's login.
            if (!_isStopping && _schema.IsReady && _reviewing.IsCompleted)
            {
                _reviewing = Task.Run(ReviewJournalAsync);
            }
        }
    }

    /// <summary>Sees to rows that a replica has left behind, and gives sessions back that nobody needs now.</summary>
    private async Task ReviewJournalAsync()
    {
        try
        {
            // Who posts sees one organisation at a time; whose rows there are only a worker sees.
            await using var command = _database.Work.CreateCommand(
                "select organization_id from ai.journal_rows where at < $1 union select organization_id from ai.journal where at < $1");
            command.Parameters.Add(new NpgsqlParameter<DateTime>
            {
                TypedValue = (_time.GetUtcNow() - LedgerBatch.LeftBehindAfter).UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz,
            });
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                _posting.Add(new LeftBehind(reader.GetGuid(0)));
            }
        }
        catch (Exception e)
        {
            LogUnseen(e);
        }

        await _journal.RestAsync();
        await _posting.RestAsync();
    }

    [LoggerMessage(LogLevel.Error, "{Count} calls may be missing in the accounts: the database does not answer.")]
    private partial void LogLost(int count);

    [LoggerMessage(LogLevel.Warning, "The journal could not be looked through for what other replicas have left behind.")]
    private partial void LogUnseen(Exception exception);
}
