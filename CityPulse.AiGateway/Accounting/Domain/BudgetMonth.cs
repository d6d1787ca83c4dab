namespace CityPulse.AiGateway.Accounting.Domain;

/// <summary>Budgets run by months of UTC.</summary>
internal static class BudgetMonth
{
    public static DateOnly Of(DateTimeOffset at) => new(at.UtcDateTime.Year, at.UtcDateTime.Month, 1);

    /// <summary>When the month's budget begins anew.</summary>
    public static DateTimeOffset End(DateTimeOffset at) => new(Of(at).AddMonths(1), TimeOnly.MinValue, TimeSpan.Zero);
}
