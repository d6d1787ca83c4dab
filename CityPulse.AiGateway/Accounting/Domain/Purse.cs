namespace CityPulse.AiGateway.Accounting.Domain;

/// <summary>What a purse asks of the accounts.</summary>
/// <param name="KeptUsd">What it stands for and will not give up: what calls under way may cost, what others did cost, and what is left in it.</param>
/// <param name="LeftUsd">The part of it that is free for calls that wait.</param>
/// <param name="SpareUsd">What it would like besides, for calls to come.</param>
internal readonly record struct PurseWish(decimal KeptUsd, decimal LeftUsd, decimal SpareUsd);

/// <summary>
/// Money of one user's budget that this replica has set aside in the accounts, in one piece, and hands out call by call without asking
/// them again. Where there is plenty it holds some for calls to come; near the end of a budget it holds what is in use and no more.
/// </summary>
internal sealed class Purse
{
    /// <summary>It never holds more of what is left of the budget than this part.</summary>
    public const int SpareShare = 128;

    /// <summary>Nor more than so many calls like the last one.</summary>
    private const int SpareCalls = 256;

    private decimal _usualUsd;
    private decimal _mostUsd;

    public decimal FreeUsd { get; private set; }

    public decimal InUseUsd { get; private set; }

    /// <summary>What calls have cost that stand in the journal and are not posted yet: the accounts still hold it for this purse.</summary>
    public decimal OwedUsd { get; private set; }

    public bool IsEmpty => FreeUsd == 0 && InUseUsd == 0 && OwedUsd == 0;

    public bool HasTooMuch => FreeUsd > _mostUsd;

    /// <summary>It asks for more while there is enough for all who come meanwhile, and for less than it may hold: calls under way bring some back.</summary>
    public bool HasTooLittle => 2 * FreeUsd < _mostUsd;

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

    /// <summary>Whether what is here pays for a call, if need be with what is free besides.</summary>
    public bool Covers(decimal amountUsd, decimal costUsd) => FreeUsd + amountUsd >= costUsd;

    /// <summary>What a call cost goes into the journal.</summary>
    public void Owe(decimal costUsd) => OwedUsd += costUsd;

    /// <summary>It is posted.</summary>
    public void Posted(decimal costUsd) => OwedUsd -= costUsd;

    /// <summary>No calls come any more, so none need to be provided for.</summary>
    public void Rest() => _mostUsd = 0;

    /// <summary>What to ask for when calls wait for so much; what is too much is given up at once.</summary>
    /// <param name="postedUsd">What it owes and is posted before the accounts are asked.</param>
    public PurseWish Wish(decimal waitingUsd, decimal postedUsd)
    {
        var wanted = _mostUsd * 3 / 4;
        if (FreeUsd - waitingUsd > _mostUsd)
        {
            FreeUsd = waitingUsd + wanted;
        }

        return new PurseWish(InUseUsd + FreeUsd + OwedUsd - postedUsd, FreeUsd, Math.Max(0, wanted - Math.Max(0, FreeUsd - waitingUsd)));
    }

    /// <summary>What the accounts said; it is on their disk.</summary>
    /// <param name="grantedUsd">What they hold for this purse now, all in all.</param>
    /// <param name="roomUsd">What is left of the budget besides.</param>
    public void Learn(PurseWish wish, decimal grantedUsd, decimal roomUsd)
    {
        FreeUsd += grantedUsd - wish.KeptUsd;
        var most = Math.Round(Math.Min(SpareCalls * _usualUsd, roomUsd / SpareShare), 6, MidpointRounding.ToNegativeInfinity);
        // Less than a call's worth would help nobody here, and may be what another replica lacks.
        _mostUsd = most < _usualUsd ? 0 : most;
    }
}
