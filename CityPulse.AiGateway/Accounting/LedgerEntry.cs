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
    private bool _isOwed;

    public Guid Id => id;

    public CallAccount Account => account;

    public CallRecord Call => call;

    public ModelInfo Model => call.Model;

    public DateTimeOffset At => at;

    public decimal ChargeUsd => reservation is null ? 0 : chargeUsd;

    /// <summary>Whether its purse has what it cost.</summary>
    public bool IsCovered => reservation is null || reservation.Purse.Money.Covers(reservation.AmountUsd, chargeUsd);

    /// <summary>Puts back what was set aside, once; what the call cost its purse owes from now on.</summary>
    public void Owe()
    {
        if (!_isOwed && reservation is not null)
        {
            _isOwed = true;
            reservation.Purse.Money.Return(reservation.AmountUsd, chargeUsd);
            reservation.Purse.Money.Owe(chargeUsd);
        }
    }

    /// <summary>It is booked, or never will be.</summary>
    public void Posted() => reservation?.Purse.Money.Posted(chargeUsd);
}

/// <summary>A purse that has too much or too little, or that has to say that it is still there.</summary>
internal sealed class ReviewedPurse(HeldPurse purse) : LedgerEntry(purse.Key.OrganizationId, purse);

/// <summary>Rows of the journal that nobody posts, since their replica has died.</summary>
internal sealed class LeftBehind(Guid organizationId) : LedgerEntry(organizationId, purse: null);
