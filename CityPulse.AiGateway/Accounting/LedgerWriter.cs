using CityPulse.AiGateway.Accounting.Domain;
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
        var parts = new List<PursePart>();
        _connection ??= await _database.Requests.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(_connection);
        // All replicas take the organisations' locks in the same order.
        foreach (var organization in entries.GroupBy(e => e.OrganizationId).OrderBy(g => g.Key))
        {
            Compose(batch.BatchCommands, organization.Key, [.. organization], parts);
        }

        await batch.PrepareAsync();
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            foreach (var part in parts)
            {
                if (part.Purse is not null)
                {
                    await reader.ReadAsync();
                    (part.HeldUsd, part.RoomUsd, part.Fitting, part.IsOrganizations) =
                        (reader.GetDecimal(0), reader.GetDecimal(1), (int)reader.GetInt64(2), reader.GetBoolean(3));
                }

                await reader.NextResultAsync();
            }
        }

        lock (_lock)
        {
            foreach (var part in parts.Where(p => p.Purse is not null))
            {
                Learn(part);
            }
        }

        foreach (var call in entries.OfType<SettledCall>())
        {
            call.TryComplete(Verdict.Fits);
        }
    }

    /// <summary>One result each: an organisation's setting, and its purses after it.</summary>
    private void Compose(NpgsqlBatchCommandCollection commands, Guid organizationId, List<LedgerEntry> entries, List<PursePart> parts)
    {
        var now = _time.GetUtcNow();
        var purses = entries.Where(e => e.Purse is not null).GroupBy(e => e.Purse!).ToList();
        commands.Add(purses.Count > 0 ? LedgerStatements.OrganizationAlone(organizationId) : LedgerStatements.Organization(organizationId));
        parts.Add(new PursePart(null, [], default, default));
        if (entries.Exists(e => e is WaitingCall))
        {
            commands.Add(LedgerStatements.GiveBackExpired(organizationId, now));
        }

        foreach (var (purse, own) in purses.Select(g => (g.Key, g.ToList())))
        {
            if (!purse.IsOpened)
            {
                commands.Add(LedgerStatements.OpenMonth(purse.Key));
            }

            PurseWish wish;
            var waiting = own.OfType<WaitingCall>().Where(w => !w.Done.IsCompleted).ToList();
            lock (_lock)
            {
                own.OfType<SettledCall>().ToList().ForEach(c => c.Return());
                wish = purse.Money.Wish(waiting.Sum(w => w.AmountUsd));
            }

            var expiresAt = now < purse.RenewAt ? purse.ExpiresAt : now + purse.Lifetime;
            commands.Add(LedgerStatements.Settle(purse, wish, own.OfType<SettledCall>().Sum(c => c.ChargeUsd), [.. waiting.Select(w => w.AmountUsd)], expiresAt));
            parts.Add(new PursePart(purse, waiting, wish, expiresAt));
        }

        var calls = entries.OfType<SettledCall>().ToList();
        if (calls.Count > 0)
        {
            commands.Add(LedgerStatements.Add(calls));
        }
    }

    private void Learn(PursePart part)
    {
        var purse = part.Purse!;
        (purse.IsOpened, purse.ExpiresAt) = (true, part.ExpiresAt);
        purse.Money.Learn(part.Wish, part.HeldUsd, part.RoomUsd);
        for (var i = 0; i < part.Waiting.Count; i++)
        {
            var call = part.Waiting[i];
            if (i >= part.Fitting && call.AmountUsd >= part.Waiting[part.Fitting].AmountUsd)
            {
                call.TryComplete(part.IsOrganizations ? Verdict.OrganizationExhausted : Verdict.UserExhausted);
            }
            else if (!purse.Money.TryTake(call.AmountUsd))
            {
                // It is smaller than the one that did not fit, or another was faster.
                AddUnderLock(call);
            }
            else if (!call.TryComplete(Verdict.Fits))
            {
                purse.Money.Return(call.AmountUsd, costUsd: 0);
            }
        }

        if (purse.Money is { HasTooMuch: true, InUseUsd: 0 })
        {
            AddUnderLock(new ReviewedPurse(purse));
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

    /// <summary>What is written for a purse, and what the accounts said; without a purse it stands for an organisation's setting.</summary>
    private sealed class PursePart(HeldPurse? purse, List<WaitingCall> waiting, PurseWish wish, DateTimeOffset expiresAt)
    {
        public HeldPurse? Purse => purse;

        public List<WaitingCall> Waiting => waiting;

        public PurseWish Wish => wish;

        public DateTimeOffset ExpiresAt => expiresAt;

        public decimal HeldUsd { get; set; }

        public decimal RoomUsd { get; set; }

        public int Fitting { get; set; }

        public bool IsOrganizations { get; set; }
    }

    [LoggerMessage(LogLevel.Error, "{Count} entries could not be written into the accounts.")]
    private partial void LogFailure(int count, Exception exception);
}
