using System.Text.Json;

namespace CityPulse.Api.Energy.Terms;

/// <summary>What a client writes of a tariff.</summary>
public sealed record TariffRequest
{
    /// <summary>Required.</summary>
    public string? Name { get; init; }
    /// <summary>Required: ISO 4217, such as <c>EUR</c>.</summary>
    public string? Currency { get; init; }
    /// <summary>The only carrier that it prices: <c>electricity</c>, <c>gas</c> or <c>heat</c>. Absent: every kWh of the building.</summary>
    public string? Carrier { get; init; }
    /// <summary>Required: at least one. The first that fits a moment counts; energy that none fits has no price.</summary>
    public IReadOnlyList<EnergyRateModel?>? EnergyRates { get; init; }
    /// <summary>For every kW of a calendar month's peak.</summary>
    public decimal? DemandChargePerKw { get; init; }
    /// <summary>The local day from which these rates hold. Absent: since ever.</summary>
    public DateOnly? ValidFrom { get; init; }
    /// <summary>What held before <c>validFrom</c>, oldest first; only the oldest may be without a <c>validFrom</c> of its own.</summary>
    public IReadOnlyList<TariffVersionModel?>? EarlierVersions { get; init; }
}

/// <summary>The rates that held from one day until the next version began.</summary>
public sealed record TariffVersionModel
{
    public DateOnly? ValidFrom { get; init; }
    public IReadOnlyList<EnergyRateModel?>? EnergyRates { get; init; }
    public decimal? DemandChargePerKw { get; init; }
}

/// <summary>A price and when it holds, in the building's local time. What is absent does not limit it.</summary>
public sealed record EnergyRateModel
{
    /// <summary>Required, 0 or more, in the tariff's currency.</summary>
    public decimal? PricePerKwh { get; init; }
    /// <summary>1 to 12.</summary>
    public IReadOnlyList<int>? Months { get; init; }
    /// <summary>1 (Monday) to 7, or names such as <c>monday</c> or <c>mon</c>; answers show numbers.</summary>
    public IReadOnlyList<JsonElement>? Weekdays { get; init; }
    /// <summary><c>HH:MM</c>; absent is 00:00.</summary>
    public string? From { get; init; }
    /// <summary><c>HH:MM</c>, exclusive; absent is 24:00. Not after <c>from</c>: the window crosses midnight.</summary>
    public string? To { get; init; }
}

internal sealed record TariffResponse(
    Guid Id,
    string Name,
    string Currency,
    string? Carrier,
    IReadOnlyList<EnergyRateResponse> EnergyRates,
    decimal? DemandChargePerKw,
    DateOnly? ValidFrom,
    IReadOnlyList<TariffVersionResponse> EarlierVersions,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    int Version) : ITermsResponse;

internal sealed record TariffVersionResponse(DateOnly? ValidFrom, IReadOnlyList<EnergyRateResponse> EnergyRates, decimal? DemandChargePerKw);

internal sealed record EnergyRateResponse(decimal PricePerKwh, int[]? Months, int[]? Weekdays, string? From, string? To);
