namespace CityPulse.Api.Energy.Domain;

/// <summary>How a day's distance from a balance point is measured.</summary>
internal enum DegreeDayKind
{
    /// <summary><c>max(0, Tb − mean of the day)</c>.</summary>
    DailyMean,
    /// <summary>The mean over the day of <c>max(0, Tb − T)</c>: a cool morning does not make up for a hot afternoon.</summary>
    Hourly,
}

/// <summary>The outdoor temperature of one local day.</summary>
/// <param name="HoursC">Hourly means in °C, in any order; at least one.</param>
internal sealed record WeatherDay(DateOnly Day, double[] HoursC)
{
    public double MeanC { get; } = HoursC.Average();

    public double Heating(double balanceC, DegreeDayKind kind) =>
        kind == DegreeDayKind.DailyMean ? Math.Max(0, balanceC - MeanC) : Mean(balanceC, -1);

    public double Cooling(double balanceC, DegreeDayKind kind) =>
        kind == DegreeDayKind.DailyMean ? Math.Max(0, MeanC - balanceC) : Mean(balanceC, 1);

    private double Mean(double balanceC, int sign)
    {
        var sum = 0.0;
        foreach (var hour in HoursC)
        {
            sum += Math.Max(0, sign * (hour - balanceC));
        }

        return sum / HoursC.Length;
    }
}

/// <summary>Energy of some days (one, a month's, a bill's) and their weather.</summary>
internal sealed record BaselineObservation(DateOnly From, double KWh, IReadOnlyList<WeatherDay> Days)
{
    public double Heating(double balanceC, DegreeDayKind kind) => Days.Sum(d => d.Heating(balanceC, kind)) / Days.Count;

    public double Cooling(double balanceC, DegreeDayKind kind) => Days.Sum(d => d.Cooling(balanceC, kind)) / Days.Count;
}
