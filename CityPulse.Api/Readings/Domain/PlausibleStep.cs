namespace CityPulse.Api.Readings.Domain;

internal enum StepKind
{
    /// <summary>A power: a value by itself is possible or not.</summary>
    Power,
    /// <summary>An amount of an interval.</summary>
    Amount,
    /// <summary>A register, judged by the reading before.</summary>
    Register,
}

/// <summary>
/// What a meter behind a connection of known power can have measured. Only what lies beyond doubt is called implausible: a margin
/// above the rated power, one unit of a register's resolution, and everything where no rated power is known, is plausible.
/// </summary>
/// <param name="UnitsPerHour">What the rated power delivers in an hour, in the sensor's unit; for a power, the rated power itself.</param>
/// <param name="IntervalHours">Of an <see cref="StepKind.Amount"/>.</param>
/// <param name="Margin">How many times the rated power is still believed.</param>
internal sealed record PlausibleStep(StepKind Kind, double UnitsPerHour, double IntervalHours, double Margin)
{
    private const double MicrosecondsPerHour = 3.6e9;

    /// <summary>Registers count in steps; the coarsest that are common is one unit.</summary>
    private const double Resolution = 1;

    /// <summary>The most that is believed of a value, or of a register's rise in so long a time.</summary>
    public double Limit(long sinceMicroseconds) => UnitsPerHour * Margin * Kind switch
    {
        StepKind.Power => 1,
        StepKind.Amount => IntervalHours,
        _ => sinceMicroseconds / MicrosecondsPerHour,
    };

    /// <summary>A value by itself: a power or amount of either sign, or a register below nought.</summary>
    public bool IsPossible(double value) => Kind == StepKind.Register ? value >= 0 : Math.Abs(value) <= Limit(0);

    /// <summary>A register behind another. One that falls was reset or has rolled over, which is nothing to hold.</summary>
    public bool IsPossible(double value, double before, long sinceMicroseconds) =>
        value - before <= Limit(sinceMicroseconds) + Resolution;
}

/// <summary>A sensor's readings in order of time, judged one by one.</summary>
/// <param name="before">The stored reading before the first, of a register.</param>
/// <param name="held">The reading after that one which is held already, if any.</param>
internal sealed class PlausibleRun(PlausibleStep step, (long At, double Value)? before, (long At, double Value)? held)
{
    private (long At, double Value)? _good = before;
    private (long At, double Value)? _doubtful = held;

    /// <summary>The most that would have been believed of the reading that was judged last.</summary>
    public double LastLimit { get; private set; }

    /// <summary>
    /// A register that leaps is held once. If the next reading goes on from there, the meter has been changed and the leap was one
    /// between two meters, not a wrong reading: from then on it is believed.
    /// </summary>
    public bool Believe(long at, double value)
    {
        LastLimit = step.Limit(0);
        if (!step.IsPossible(value))
        {
            return false;
        }

        if (step.Kind != StepKind.Register)
        {
            return true;
        }

        if (_good is { } good)
        {
            LastLimit = good.Value + step.Limit(at - good.At);
            if (!step.IsPossible(value, good.Value, at - good.At)
                && !(_doubtful is { } doubtful && value >= doubtful.Value && step.IsPossible(value, doubtful.Value, at - doubtful.At)))
            {
                _doubtful = (at, value);
                return false;
            }
        }

        _good = (at, value);
        _doubtful = null;
        return true;
    }
}
