namespace CityPulse.AiGateway.Accounting.Domain;

/// <summary>What a purse asks of the accounts.</summary>
/// <param name="KeptUsd">What it holds and will not give up: what calls under way may cost, and what is left in it.</param>
/// <param name="LeftUsd">The part of it that is free for calls that wait, once the disk has it.</param>
/// <param name="SpareUsd">What it would like besides, for calls to come.</param>
internal readonly record struct PurseWish(decimal KeptUsd, decimal LeftUsd, decimal SpareUsd);

/// <summary>
/// Money of one user's budget that this replica has set aside in the accounts, in one piece, and hands out call by call without asking
/// them again. Where there is plenty it holds some for calls to come; near the end of a budget it holds what is in use and no more.
/// Nothing is handed out before the accounts' disk has it: a database that fell might give it to another.
/// </summary>
internal sealed class Purse
{
    /// <summary>It never holds more of what is left of the budget than this part.</summary>
    public const int SpareShare = 128;

    /// <summary>Nor more than so many calls like the last one.</summary>
    private const int SpareCalls = 64;

    private decimal _usualUsd;
    private decimal _targetUsd;

    public decimal FreeUsd { get; private set; }

    public decimal InUseUsd { get; private set; }

    /// <summary>What the accounts have granted and their disk may not have yet.</summary>
    public decimal AwaitedUsd { get; private set; }

    public bool IsEmpty => LeftUsd == 0 && InUseUsd == 0;

    public bool HasTooMuch => LeftUsd > _targetUsd;

    /// <summary>It holds at least half of what it would like to, and not too much: there is nothing to say to the accounts.</summary>
    public bool IsContent => !IsEmpty && !HasTooMuch && 2 * LeftUsd >= _targetUsd;

    private decimal LeftUsd => FreeUsd + AwaitedUsd;

    /// <summary>Hands out what a call may cost, if it is there.</summary>
    public bool TryTake(decimal amountUsd)
    {
        _usualUsd = amountUsd;
        if (amountUsd > FreeUsd)
        {
            return false;
        }

        (FreeUsd, InUseUsd) = (FreeUsd - amountUsd, InUseUsd + amountUsd);
        return true;
    }

    /// <summary>Takes back what was handed out to a call that is over, less what it cost.</summary>
    public void Return(decimal amountUsd, decimal costUsd) =>
        (FreeUsd, InUseUsd) = (Math.Max(0, FreeUsd + amountUsd - costUsd), InUseUsd - amountUsd);

    /// <summary>No calls come any more, so none need to be provided for.</summary>
    public void Rest() => _targetUsd = 0;

    /// <summary>What to ask for when calls wait for so much; what is too much is given up at once.</summary>
    public PurseWish Wish(decimal waitingUsd)
    {
        var tooMuch = Math.Max(0, LeftUsd - waitingUsd - _targetUsd);
        var ofAwaited = Math.Min(tooMuch, AwaitedUsd);
        (AwaitedUsd, FreeUsd) = (AwaitedUsd - ofAwaited, FreeUsd - (tooMuch - ofAwaited));
        // One grant at a time, or the last would put off the first.
        var isAwaiting = AwaitedUsd > 0 && waitingUsd == 0;
        return new PurseWish(InUseUsd + LeftUsd, LeftUsd, isAwaiting ? 0 : Math.Max(0, _targetUsd - Math.Max(0, LeftUsd - waitingUsd)));
    }

    /// <summary>What the accounts said.</summary>
    /// <param name="grantedUsd">What this purse holds now, all in all.</param>
    /// <param name="roomUsd">What is left of the budget besides.</param>
    /// <param name="isFlushed">Whether it is on the disk already.</param>
    public void Learn(PurseWish wish, decimal grantedUsd, decimal roomUsd, bool isFlushed)
    {
        AwaitedUsd += grantedUsd - wish.KeptUsd;
        if (isFlushed)
        {
            Flushed();
        }

        var target = Math.Round(Math.Min(SpareCalls * _usualUsd, roomUsd / SpareShare), 6, MidpointRounding.ToNegativeInfinity);
        // Less than a call's worth would help nobody here, and may be what another replica lacks.
        _targetUsd = target < _usualUsd ? 0 : target;
    }

    /// <summary>The disk has what was granted.</summary>
    public void Flushed() => (FreeUsd, AwaitedUsd) = (FreeUsd + AwaitedUsd, 0);

    /// <summary>The accounts may have fallen before their disk had what was granted.</summary>
    public void Doubt() => AwaitedUsd = 0;
}
