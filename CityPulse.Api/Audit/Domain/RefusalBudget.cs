namespace CityPulse.Api.Audit.Domain;

/// <summary>
/// How many refusals of one person or device a minute are worth a row. The first ones tell all there is to tell; a client that goes on
/// knocking, or a guesser of passwords, must not fill the log.
/// </summary>
internal sealed class RefusalBudget
{
    public const int PerMinute = 20;
    private const int MostSubjects = 10_000;
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, int> _spent = [];
    private long _minute;

    /// <summary>Whether another refusal of the subject fits into this minute.</summary>
    public bool TrySpend(Guid subject, DateTimeOffset now)
    {
        var minute = now.UtcTicks / TimeSpan.TicksPerMinute;
        lock (_gate)
        {
            if (minute != _minute)
            {
                _minute = minute;
                _spent.Clear();
            }

            var spent = _spent.GetValueOrDefault(subject);
            if (spent >= PerMinute || (spent == 0 && _spent.Count >= MostSubjects))
            {
                return false;
            }

            _spent[subject] = spent + 1;
            return true;
        }
    }
}
