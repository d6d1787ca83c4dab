namespace CityPulse.Api.Energy.Domain;

/// <summary>kWh per square metre and year: site energy on the stated floor area.</summary>
internal readonly record struct EnergyUseIntensity(double? KWhPerM2Year, string? Note)
{
    private const double YearHours = 365 * 24;
    private const double LeapYearHours = 366 * 24;

    /// <param name="annualise">Whether to scale to a year by hours; by default wherever the period is not one year.</param>
    public static EnergyUseIntensity Of(double kWh, double floorAreaM2, double coverage, TimeSpan period, bool? annualise)
    {
        if (floorAreaM2 <= 0)
        {
            return new(null, "The floor area is not known.");
        }

        if (coverage <= 0)
        {
            return new(null, "There is no data in the period.");
        }

        var perM2 = kWh / floorAreaM2;
        if (period.TotalHours is >= YearHours and <= LeapYearHours)
        {
            return new(perM2, null);
        }

        if (annualise is false)
        {
            return new(null, period.TotalHours < YearHours
                ? "The period is under 12 months and annualise is false."
                : "The period is longer than a year and annualise is false.");
        }

        return new(perM2 * YearHours / period.TotalHours, "Scaled to a year of 8760 hours by the period's hours; seasons are not evened out.");
    }
}
