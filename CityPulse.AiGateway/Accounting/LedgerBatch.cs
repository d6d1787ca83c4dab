using CityPulse.AiGateway.Accounting.Domain;
using Npgsql;

namespace CityPulse.AiGateway.Accounting;

/// <summary>What is written into the accounts at once, in one transaction and one round trip, and what they said to it.</summary>
/// <param name="purses">Guards the purses: while this is on its way, calls go on taking money out of them.</param>
internal sealed class LedgerBatch(List<LedgerEntry> entries, Lock purses, DateTimeOffset now)
{
    private readonly List<Part> _parts = [];

    /// <summary>Done when it is on the disk.</summary>
    public async Task WriteAsync(NpgsqlConnection connection)
    {
        await using var batch = new NpgsqlBatch(connection);
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
    /// <param name="again">Takes what has to be written once more.</param>
    public void Learn(Action<LedgerEntry> again)
    {
        foreach (var part in _parts)
        {
            if (part.Purse is { } purse)
            {
                Learn(part, purse, again);
            }
        }
    }

    /// <summary>One result each: an organisation's setting, and its purses after it.</summary>
    private void Compose(NpgsqlBatchCommandCollection commands, Guid organizationId, List<LedgerEntry> own)
    {
        var held = own.Where(e => e.Purse is not null).GroupBy(e => e.Purse!).ToList();
        commands.Add(held.Count > 0 ? LedgerStatements.OrganizationAlone(organizationId) : LedgerStatements.Organization(organizationId));
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
        var chargeUsd = 0m;
        lock (purses)
        {
            foreach (var call in own.OfType<SettledCall>())
            {
                call.Return();
                chargeUsd += call.ChargeUsd;
            }

            wish = purse.Money.Wish(waiting.Sum(w => w.AmountUsd));
        }

        var expiresAt = now < purse.RenewAt ? purse.ExpiresAt : now + purse.Lifetime;
        commands.Add(LedgerStatements.Settle(purse, wish, chargeUsd, [.. waiting.Select(w => w.AmountUsd)], expiresAt));
        _parts.Add(new Part(purse, waiting, wish, expiresAt));
    }

    private static void Learn(Part part, HeldPurse purse, Action<LedgerEntry> again)
    {
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

    /// <summary>What is written for a purse, and what the accounts said; without a purse it stands for an organisation's setting.</summary>
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
