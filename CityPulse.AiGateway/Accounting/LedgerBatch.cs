using CityPulse.AiGateway.Accounting.Domain;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// What is written into the accounts at once, in one transaction that waits for the disk, and what they said to it: rows of the journal are
/// posted first, then purses are settled.
/// </summary>
/// <param name="rows">Rows that the journal has, or that are lost with a database that fell.</param>
/// <param name="purses">Guards the purses: while this is on its way, calls go on taking money out of them.</param>
internal sealed class LedgerBatch(IReadOnlyList<LedgerEntry> entries, IReadOnlyList<JournalRow<SettledCall>> rows, Guid replicaId, Lock purses, DateTimeOffset now)
{
    /// <summary>What is older belongs to a replica that has died.</summary>
    public static readonly TimeSpan LeftBehindAfter = TimeSpan.FromSeconds(10);

    private readonly List<Part> _parts = [];
    private readonly List<SettledCall> _calls = [.. rows.SelectMany(r => r.Calls), .. entries.OfType<SettledCall>()];

    /// <summary>Rows that the journal did not have; their calls were booked all the same.</summary>
    public int Lost { get; private set; }

    public async Task WriteAsync(NpgsqlConnection connection)
    {
        _parts.Clear();
        await using var transaction = await connection.BeginTransactionAsync();
        var posted = await PostAsync(connection);
        var lost = rows.Where(r => !posted.Contains(r.Number) && r.Calls.Count > 0).ToList();
        Lost = lost.Count;
        await SettleAsync(connection, [.. lost.SelectMany(r => r.Calls), .. entries.OfType<SettledCall>()]);
        await transaction.CommitAsync();
    }

    /// <summary>Tells purses and waiting calls what the accounts said; the purses are locked.</summary>
    /// <param name="again">Takes what has to be written once more.</param>
    public void Learn(Action<LedgerEntry> again)
    {
        _calls.ForEach(call => call.Posted());
        foreach (var part in _parts)
        {
            Learn(part, again);
        }
    }

    /// <returns>The numbers of the rows that the journal had.</returns>
    private async Task<HashSet<long>> PostAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        var tells = new List<bool>();
        // All replicas take the organisations' locks in the same order.
        foreach (var organizationId in entries.Select(e => e.OrganizationId).Concat(rows.Select(r => r.OrganizationId)).Distinct().Order())
        {
            Add(LedgerStatements.Alone(organizationId), tellsNumbers: false);
            var (entered, told) = (entries.Where(e => e.OrganizationId == organizationId).ToList(), rows.Where(r => r.OrganizationId == organizationId).ToList());
            if (entered.Exists(e => e is LeftBehind))
            {
                batch.BatchCommands.Add(LedgerStatements.PostOlder(organizationId, now - LeftBehindAfter));
                batch.BatchCommands.Add(LedgerStatements.PostOlderCalls(organizationId, now - LeftBehindAfter));
            }

            if (told.Count > 0)
            {
                Add(LedgerStatements.Post(organizationId, replicaId, told[0].Number, told[^1].Number), tellsNumbers: true);
            }

            if (entered.Exists(e => e is WaitingCall))
            {
                batch.BatchCommands.Add(LedgerStatements.GiveBackExpired(organizationId, now));
            }
        }

        var posted = new HashSet<long>();
        await batch.PrepareAsync();
        await using var reader = await batch.ExecuteReaderAsync();
        foreach (var tellsNumbers in tells)
        {
            while (tellsNumbers && await reader.ReadAsync())
            {
                posted.Add(reader.GetInt64(0));
            }

            await reader.NextResultAsync();
        }

        return posted;

        void Add(NpgsqlBatchCommand command, bool tellsNumbers)
        {
            batch.BatchCommands.Add(command);
            tells.Add(tellsNumbers);
        }
    }

    private async Task SettleAsync(NpgsqlConnection connection, List<SettledCall> calls)
    {
        await using var batch = new NpgsqlBatch(connection);
        var results = new List<Part?>();
        var held = entries.Where(e => e.Purse is not null).GroupBy(e => e.Purse!).ToList();
        foreach (var organizationId in calls.Select(c => c.OrganizationId).Concat(held.Select(g => g.Key.Key.OrganizationId)).Distinct().Order())
        {
            batch.BatchCommands.Add(LedgerStatements.Of(organizationId));
            results.Add(null);
            var own = held.Where(g => g.Key.Key.OrganizationId == organizationId).ToList();
            foreach (var purse in own.Where(g => !g.Key.IsOpened))
            {
                batch.BatchCommands.Add(LedgerStatements.OpenMonth(purse.Key.Key));
            }

            var booked = calls.Where(c => c.OrganizationId == organizationId).ToList();
            if (booked.Count > 0)
            {
                batch.BatchCommands.Add(LedgerStatements.Book(organizationId, booked));
            }

            foreach (var purse in own)
            {
                batch.BatchCommands.Add(Settle(purse.Key, [.. purse], results));
            }
        }

        if (results.Count == 0)
        {
            return;
        }

        await batch.PrepareAsync();
        await using var reader = await batch.ExecuteReaderAsync();
        foreach (var part in results)
        {
            if (part is not null)
            {
                await reader.ReadAsync();
                (part.HeldUsd, part.RoomUsd, part.Fitting, part.IsOrganizations) =
                    (reader.GetDecimal(0), reader.GetDecimal(1), (int)reader.GetInt64(2), reader.GetBoolean(3));
                _parts.Add(part);
            }

            await reader.NextResultAsync();
        }
    }

    private NpgsqlBatchCommand Settle(HeldPurse purse, List<LedgerEntry> own, List<Part?> results)
    {
        var waiting = own.OfType<WaitingCall>().Where(w => !w.Done.IsCompleted).ToList();
        var postedUsd = _calls.Where(c => c.Purse == purse).Sum(c => c.ChargeUsd);
        PurseWish wish;
        lock (purses)
        {
            own.OfType<SettledCall>().ToList().ForEach(call => call.Owe());
            wish = purse.Money.Wish(waiting.Sum(w => w.AmountUsd), postedUsd);
        }

        var expiresAt = now < purse.RenewAt ? purse.ExpiresAt : now + purse.Lifetime;
        results.Add(new Part(purse, waiting, wish, expiresAt));
        return LedgerStatements.Settle(purse, wish, [.. waiting.Select(w => w.AmountUsd)], expiresAt);
    }

    private static void Learn(Part part, Action<LedgerEntry> again)
    {
        var purse = part.Purse;
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
                again(call);
            }
            else if (!call.TryComplete(Verdict.Fits))
            {
                purse.Money.Return(call.AmountUsd, costUsd: 0);
            }
        }

        if (purse.Money is { HasTooMuch: true, InUseUsd: 0 })
        {
            again(new ReviewedPurse(purse));
        }
    }

    /// <summary>What is written for a purse, and what the accounts said.</summary>
    private sealed class Part(HeldPurse purse, List<WaitingCall> waiting, PurseWish wish, DateTimeOffset expiresAt)
    {
        public HeldPurse Purse => purse;

        public List<WaitingCall> Waiting => waiting;

        public PurseWish Wish => wish;

        public DateTimeOffset ExpiresAt => expiresAt;

        public decimal HeldUsd { get; set; }

        public decimal RoomUsd { get; set; }

        public int Fitting { get; set; }

        public bool IsOrganizations { get; set; }
    }
}
