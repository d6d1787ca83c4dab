namespace CityPulse.Api.Readings.Domain;

/// <summary>
/// A sum kept in two numbers, the second being what the first cannot hold (double-double; Knuth's TwoSum, TAOCP 4.2.2). It carries
/// about 106 bits, so that a sum put together from parts is the sum over all, and <see cref="Value"/> the exact sum rounded once.
/// </summary>
internal readonly record struct ExactSum(double Value, double Rest)
{
    public static ExactSum operator +(ExactSum sum, double number)
    {
        var (high, low) = TwoSum(sum.Value, number);
        return Normalised(high, low + sum.Rest);
    }

    public static ExactSum operator +(ExactSum a, ExactSum b)
    {
        var (high, low) = TwoSum(a.Value, b.Value);
        var (restHigh, restLow) = TwoSum(a.Rest, b.Rest);
        var sum = Normalised(high, low + restHigh);
        return Normalised(sum.Value, sum.Rest + restLow);
    }

    private static (double Sum, double Error) TwoSum(double a, double b)
    {
        var sum = a + b;
        var rounded = sum - a;
        return (sum, (a - (sum - rounded)) + (b - rounded));
    }

    /// <summary>Beyond all numbers there is no rest.</summary>
    private static ExactSum Normalised(double high, double low)
    {
        var value = high + low;
        return double.IsFinite(value) ? new ExactSum(value, low - (value - high)) : new ExactSum(high, 0);
    }
}
