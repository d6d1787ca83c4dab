namespace CityPulse.AiGateway.Accounting;

/// <summary>What may be spent a month, in US dollars. Section <c>Ai:Budgets</c>; without a figure there is no limit.</summary>
internal sealed class BudgetOptions
{
    public decimal? OrganizationMonthlyUsd { get; set; }

    public decimal? UserMonthlyUsd { get; set; }

    /// <summary>Other figures for single organisations, by id.</summary>
    public Dictionary<string, decimal> Organizations { get; set; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What a model without a price counts for in budgets, so that an unknown price is no free ride.</summary>
    public decimal AssumedPricePerMTok { get; set; } = 15;

    /// <summary>How many tokens an answer has at most, where budgets apply and a request does not say; so many are reserved.</summary>
    public int ReservedOutputTokens { get; set; } = 2000;

    /// <summary>After so long a reservation whose replica has died is given back.</summary>
    public int ReservationMinutes { get; set; } = 15;

    public bool IsOn => OrganizationMonthlyUsd is not null || UserMonthlyUsd is not null || Organizations.Count > 0;

    public decimal? OrganizationLimit(Guid organization) => Organizations.TryGetValue($"{organization}", out var own) ? own : OrganizationMonthlyUsd;

    public void Check(List<string> faults)
    {
        if (OrganizationMonthlyUsd < 0 || UserMonthlyUsd < 0 || Organizations.Values.Any(limit => limit < 0))
        {
            faults.Add("Ai:Budgets:OrganizationMonthlyUsd, Ai:Budgets:UserMonthlyUsd and Ai:Budgets:Organizations must not be negative.");
        }

        // Settings' names are texts; an id in another spelling would be a limit for nobody.
        faults.AddRange(Organizations.Keys.Where(id => !Guid.TryParseExact(id, "D", out _))
            .Select(id => $"Ai:Budgets:Organizations:{id} is not the id of an organisation, such as 0193a5e2-7c1e-7d7c-9c5e-0123456789ab."));
        if (AssumedPricePerMTok is < 0 or > 10_000)
        {
            faults.Add("Ai:Budgets:AssumedPricePerMTok must lie between 0 and 10000.");
        }

        if (ReservedOutputTokens is < 1 or > 1_000_000)
        {
            faults.Add("Ai:Budgets:ReservedOutputTokens must lie between 1 and 1000000.");
        }

        if (ReservationMinutes is < 1 or > 1440)
        {
            faults.Add("Ai:Budgets:ReservationMinutes must lie between 1 and 1440.");
        }
    }
}
