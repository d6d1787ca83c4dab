using CityPulse.AiGateway.Models;

namespace CityPulse.AiGateway.Accounting;

internal enum Verdict
{
    Fits,
    OrganizationExhausted,
    UserExhausted,
}

/// <summary>Something to be written into the accounts, which somebody waits for as a rule.</summary>
internal abstract class LedgerEntry(Guid organizationId, HeldPurse? purse)
{
    private readonly TaskCompletionSource<Verdict> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Guid OrganizationId => organizationId;

    public HeldPurse? Purse => purse;

    /// <summary>Once the database has it.</summary>
    public Task<Verdict> Done => _done.Task;

    /// <returns>False when nobody waits any more.</returns>
    public bool TryComplete(Verdict verdict) => _done.TrySetResult(verdict);

    public void Fail(Exception exception) => _done.TrySetException(exception);

    public void Cancel(CancellationToken cancellationToken) => _done.TrySetCanceled(cancellationToken);
}

/// <summary>A call that waits for money to be set aside.</summary>
internal sealed class WaitingCall(HeldPurse purse, decimal amountUsd) : LedgerEntry(purse.Key.OrganizationId, purse)
{
    public decimal AmountUsd => amountUsd;
}

/// <summary>A call that is over.</summary>
/// <param name="chargeUsd">What it takes from the budget.</param>
internal sealed class SettledCall(Guid id, CallAccount account, CallRecord call, DateTimeOffset at, Reservation? reservation, decimal chargeUsd)
    : LedgerEntry(account.OrganizationId, reservation?.Purse)
{
    private bool _isReturned;

    public Guid Id => id;

    public CallAccount Account => account;

    public CallRecord Call => call;

    public ModelInfo Model => call.Model;

    public DateTimeOffset At => at;

    public decimal ChargeUsd => reservation is null ? 0 : chargeUsd;

    /// <summary>Whether it cost no more than was set aside for it.</summary>
    public bool IsWithinReserved => reservation is null || chargeUsd <= reservation.AmountUsd;

    /// <summary>Puts back what was set aside, once.</summary>
    public void Return()
    {
        if (!_isReturned && reservation is not null)
        {
            _isReturned = true;
            reservation.Purse.Money.Return(reservation.AmountUsd, chargeUsd);
        }
    }
}

/// <summary>A purse that has too much, or that has to say that it is still there.</summary>
internal sealed class ReviewedPurse(HeldPurse purse) : LedgerEntry(purse.Key.OrganizationId, purse);

/// <summary>
/// A flush that has succeeded meanwhile, on another session. It counts once the session that wrote the batches has answered after it: then
/// no fall of the database lies between them and the flush.
/// </summary>
/// <param name="upTo">The last batch that it covers.</param>
internal sealed class ConfirmedFlush(long upTo) : LedgerEntry(Guid.Empty, purse: null)
{
    public long UpTo => upTo;
}
