using CityPulse.AiGateway.Accounting.Domain;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>What is written into the accounts at once, in one transaction and one round trip, and what they said to it.</summary>
/// <param name="purses">Guards the purses: while this is on its way, calls go on taking money out of them.</param>
/// <param name="waits">Whether it is on the disk when it is done.</param>
internal sealed class LedgerBatch(List<LedgerEntry> entries, Lock purses, DateTimeOffset now, bool waits)
{
    private readonly List<Part> _parts = [];

    /// <summary>Whether it is on the disk when it is done; else the database has it, and will write it in a moment.</summary>
    public bool Waits => waits;

    /// <summary>Tells calls again that a database that fell may have lost; what it has stays as it is.</summary>
    public static async Task WriteAgainAsync(NpgsqlConnection connection, IEnumerable<SettledCall> calls)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var organization in calls.GroupBy(c => c.OrganizationId).OrderBy(g => g.Key))
        {
            batch.BatchCommands.Add(LedgerStatements.Of(organization.Key, alone: true, waits: true));
            batch.BatchCommands.Add(LedgerStatements.AddMissing(organization.Key, [.. organization]));
        }

        await batch.ExecuteNonQueryAsync();
    }

    public async Task WriteAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
        if (waits)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(LedgerStatements.Flush));
            _parts.Add(new Part(null, [], default, default));
        }

        // All replicas take the organisations' locks in the same order.
        foreach (var organization in entries.GroupBy(e => e.OrganizationId).OrderBy(g => g.Key))
        {
            Compose(batch.BatchCommands, organization.Key, [.. organization]);
        }

        await batch.PrepareAsync();
        await using var reader = await batch.ExecuteReaderAsync();
        foreach (var part in _parts)
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

    /// <summary>Tells purses and waiting calls what the accounts said; the purses are locked.</summary>
    /// <param name="number">Which batch it was.</param>
    /// <param name="again">Takes what has to be written once more.</param>
    public void Learn(long number, Action<LedgerEntry> again)
    {
        foreach (var part in _parts)
        {
            if (part.Purse is { } purse)
            {
                Learn(part, purse, number, again);
            }
        }
    }

    /// <summary>One result each: an organisation's setting, and its purses after it.</summary>
    private void Compose(NpgsqlBatchCommandCollection commands, Guid organizationId, List<LedgerEntry> own)
    {
        var held = own.Where(e => e.Purse is not null).GroupBy(e => e.Purse!).ToList();
        commands.Add(LedgerStatements.Of(organizationId, held.Count > 0, waits));
        _parts.Add(new Part(null, [], default, default));
        if (own.Exists(e => e is WaitingCall))
        {
            commands.Add(LedgerStatements.GiveBackExpired(organizationId, now));
        }

        foreach (var group in held)
        {
            Compose(commands, group.Key, [.. group]);
        }

        var calls = own.OfType<SettledCall>().ToList();
        if (calls.Count > 0)
        {
            commands.Add(LedgerStatements.Add(calls));
        }
    }

    private void Compose(NpgsqlBatchCommandCollection commands, HeldPurse purse, List<LedgerEntry> own)
    {
        if (!purse.IsOpened)
        {
            commands.Add(LedgerStatements.OpenMonth(purse.Key));
        }

        PurseWish wish;
        var waiting = own.OfType<WaitingCall>().Where(w => !w.Done.IsCompleted).ToList();
        var isPlain = now < purse.RenewAt && own.TrueForAll(e => e is SettledCall { IsWithinReserved: true });
        var chargeUsd = 0m;
        lock (purses)
        {
            foreach (var call in own.OfType<SettledCall>())
            {
                call.Return();
                chargeUsd += call.ChargeUsd;
            }

            // As a rule nothing is wanted: what stands for the purse in the accounts becomes less by what was spent of it.
            if (isPlain && purse.Money.IsContent)
            {
                if (chargeUsd > 0)
                {
                    commands.Add(LedgerStatements.Charge(purse, chargeUsd));
                }

                return;
            }

            wish = purse.Money.Wish(waiting.Sum(w => w.AmountUsd));
        }

        var expiresAt = now < purse.RenewAt ? purse.ExpiresAt : now + purse.Lifetime;
        commands.Add(LedgerStatements.Settle(purse, wish, chargeUsd, [.. waiting.Select(w => w.AmountUsd)], expiresAt));
        _parts.Add(new Part(purse, waiting, wish, expiresAt));
    }

    private void Learn(Part part, HeldPurse purse, long number, Action<LedgerEntry> again)
    {
        (purse.IsOpened, purse.ExpiresAt) = (true, part.ExpiresAt);
        purse.GrantedBy = part.HeldUsd > part.Wish.KeptUsd ? number : purse.GrantedBy;
        purse.Money.Learn(part.Wish, part.HeldUsd, part.RoomUsd, waits);
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

    /// <summary>What is written for a purse, and what the accounts said; without a purse it stands for a setting.</summary>
    private sealed class Part(HeldPurse? purse, List<WaitingCall> waiting, PurseWish wish, DateTimeOffset expiresAt)
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
}
