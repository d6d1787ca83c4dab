namespace CityPulse.Api.Analytics.Domain;

/// <summary>Statistics that a few wild values do not move.</summary>
internal static class Robust
{
    /// <summary>Scales a MAD to a standard deviation of normal data: the 0.75 quantile of the normal distribution (NIST handbook 1.3.5.17).</summary>
    public const double MadToSigma = 0.6745;

    /// <summary>Beyond this a modified z-score is an outlier (Iglewicz and Hoaglin 1993).</summary>
    public const double OutlierScore = 3.5;

    /// <summary>The median; sorts what it is given. Null of nothing.</summary>
    public static double? Median(Span<double> values)
    {
        if (values.IsEmpty)
        {
            return null;
        }

        values.Sort();
        // Halved before they are added: two numbers near the largest double have a median too.
        return (0.5 * values[(values.Length - 1) / 2]) + (0.5 * values[values.Length / 2]);
    }
}
