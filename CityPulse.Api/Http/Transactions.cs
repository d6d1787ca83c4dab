using CityPulse.Api.Data;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Http;

/// <summary>One request's writes, all or none: the rows, their events and the remembered answer.</summary>
internal static class Transactions
{
    /// <summary>
    /// Runs <paramref name="work"/> in the transaction that is already open (an idempotent request's) or in its own, which
    /// commits unless the result is a refusal. A passing fault of the database runs it again from the start, so it
    /// must have no effect but on <paramref name="db"/>.
    /// </summary>
    public static async Task<TResult> InTransactionAsync<TResult>(
        this CityDb db, Func<CancellationToken, Task<TResult>> work, CancellationToken cancellationToken)
    {
        if (db.Database.CurrentTransaction is not null)
        {
            return await work(cancellationToken);
        }

        return await db.Database.CreateExecutionStrategy().ExecuteAsync(
            async token =>
            {
                db.ChangeTracker.Clear();
                await using var transaction = await db.Database.BeginTransactionAsync(token);
                var result = await work(token);
                if (!Statuses.IsRefusal(result))
                {
                    await transaction.CommitAsync(token);
                }

                return result;
            },
            cancellationToken);
    }
}
