using CityPulse.AiGateway.Accounting.Domain;
using CityPulse.AiGateway.Models;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Accounting;

/// <summary>
/// Accounts in Postgres, shared by all replicas: money is set aside before a call and settled after it, together with the row that says
/// what the call used. A call that has been settled is there, whichever process falls.
/// </summary>
internal sealed class UsageLedger(LedgerWriter writer, IOptions<AiOptions> options, UsageMetrics metrics, TimeProvider time)
{
    private readonly BudgetOptions _budgets = options.Value.Budgets;

    /// <summary>Sets aside what a call may cost; null where no budget applies.</summary>
    /// <exception cref="BudgetExhaustedException">There is not so much left.</exception>
    public async ValueTask<Reservation?> ReserveAsync(
        CallAccount account, ModelInfo model, long inputTokens, int? outputTokens, CancellationToken cancellationToken)
    {
        var most = outputTokens ?? _budgets.ReservedOutputTokens;
        var amount = Charge(model, inputTokens, most);
        var (organizationLimit, userLimit) = (_budgets.OrganizationLimit(account.OrganizationId), _budgets.UserMonthlyUsd);
        if (amount == 0 || (organizationLimit is null && userLimit is null))
        {
            return null;
        }

        var now = time.GetUtcNow();
        var (purse, verdict) = await writer.TakeAsync(
            new PurseKey(account.OrganizationId, account.UserId, BudgetMonth.Of(now)), organizationLimit, userLimit, amount,
            TimeSpan.FromMinutes(_budgets.ReservationMinutes), cancellationToken);
        return verdict == Verdict.Fits
            ? new Reservation(purse, amount, most)
            : throw new BudgetExhaustedException(verdict == Verdict.OrganizationExhausted, BudgetMonth.End(now));
    }

    /// <summary>Counts that a model did not answer and another was asked.</summary>
    public void CountFallback(string reason) => metrics.FellBack(reason);

    /// <summary>Writes what a call used, and takes it from the budget instead of what was set aside.</summary>
    public Task SettleAsync(CallAccount account, CallRecord call, Reservation? reservation)
    {
        metrics.Count(call);
        var now = time.GetUtcNow();
        return writer.WriteAsync(new SettledCall(
            PlainId.Create(now), account, call, now, reservation, call.CostUsd ?? Charge(call.Model, call.InputTokens, call.OutputTokens)));
    }

    /// <summary>What tokens count for in a budget, also where their price is unknown.</summary>
    private decimal Charge(ModelInfo model, long inputTokens, long outputTokens) =>
        ((inputTokens * (model.InputPricePerMTok ?? _budgets.AssumedPricePerMTok)) + (outputTokens * (model.OutputPricePerMTok ?? _budgets.AssumedPricePerMTok))) / 1_000_000m;
}
