using CityPulse.Api.Energy.Domain;

namespace CityPulse.Api.Energy;

/// <summary>Adds up what the accounts of buildings come to, so that no account has to be kept.</summary>
internal sealed class EnergyBooks(int buckets)
{
    private readonly decimal[] _cost = new decimal[buckets];
    private readonly double[] _unpriced = new double[buckets];
    private readonly double[] _co2Kg = new double[buckets];
    private readonly double[] _unweighed = new double[buckets];
    private readonly Dictionary<Guid, WeighedEnergy> _factors = [];
    private readonly Dictionary<double, Co2FactorUse> _own = [];
    private readonly SortedSet<string> _currencies = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _idleCurrencies = new(StringComparer.Ordinal);
    private bool _someMeterUnpriced;
    private bool _someMeterUnweighed;

    public decimal EnergyCost { get; private set; }

    public decimal DemandCost { get; private set; }

    public double Co2Kg { get; private set; }

    /// <summary>Energy of buildings without a tariff.</summary>
    public double KWhWithoutTariff { get; private set; }

    /// <summary>Energy of meters that their building's tariff is not about, and of moments that none of its rates fits.</summary>
    public double KWhOutsideTariff { get; private set; }

    public double KWhWithoutFactor { get; private set; }

    /// <summary>Of the buildings that used energy, those without a tariff, and those without a factor for all of it.</summary>
    public int BuildingsWithoutTariff { get; private set; }

    public int BuildingsWithoutFactor { get; private set; }

    public bool AnyTariff => _currencies.Count + _idleCurrencies.Count > 0;

    /// <summary>
    /// Null when there is no price, or prices are in several currencies and must not be added up. Buildings that used nothing have a say
    /// only where none did.
    /// </summary>
    public string? Currency => (_currencies.Count > 0 ? _currencies : _idleCurrencies) is { Count: 1 } one ? one.Min : null;

    public bool IsPriced => Currency is not null && KWhWithoutTariff + KWhOutsideTariff == 0;

    public bool IsWeighed => KWhWithoutFactor == 0;

    /// <summary>Every factor that was used, the regions' first.</summary>
    public IReadOnlyList<Co2FactorUse> Co2Factors =>
    [
        .. _factors.Values.Select(w => new Co2FactorUse(
            "factor", BuildingId: null, w.Rate.Id, w.Rate.Version, w.Rate.Region, w.Rate.Year, w.Rate.Carrier, w.Rate.Method, w.Rate.Source,
            w.Rate.KgPerKWh, w.KWh, w.Co2Kg)),
        .. _own.Values,
    ];

    public decimal? CostOf(int bucket) => Currency is null || _someMeterUnpriced || _unpriced[bucket] > 0 ? null : _cost[bucket];

    /// <param name="bucket">Its number.</param>
    /// <param name="own">What the buildings' own factors came to in it.</param>
    public double? Co2Of(int bucket, double own) => _someMeterUnweighed || _unweighed[bucket] > 0 ? null : _co2Kg[bucket] + own;

    public void Close(Guid buildingId, BuildingAccount account)
    {
        Price(account);
        var unweighed = account.KWhWithoutFactor;
        foreach (var (bucket, kWh, weighed) in account.Factors())
        {
            if (weighed is { } known)
            {
                _co2Kg[bucket] += known.Co2Kg;
                Co2Kg += known.Co2Kg;
                var before = _factors.GetValueOrDefault(known.Rate.Id);
                _factors[known.Rate.Id] = new(known.Rate, before.KWh + known.KWh, before.Co2Kg + known.Co2Kg);
            }
            else
            {
                _unweighed[bucket] += kWh;
                unweighed += kWh;
            }
        }

        if (account.Emissions.OwnKgPerKWh is { } own && account.KWh > 0)
        {
            Co2Kg += account.KWh * own;
            var use = _own.GetValueOrDefault(own) ?? new("building", buildingId, null, null, null, null, null, null, null, own, 0, 0);
            _own[own] = use with
            {
                BuildingId = use.BuildingId == buildingId ? buildingId : null,
                Kwh = use.Kwh + account.KWh,
                Co2Kg = use.Co2Kg + (account.KWh * own),
            };
        }

        KWhWithoutFactor += unweighed;
        BuildingsWithoutFactor += unweighed > 0 ? 1 : 0;
        _someMeterUnweighed |= account.KWhWithoutFactor > 0;
    }

    private void Price(BuildingAccount account)
    {
        if (account.Tariff is not { } tariff)
        {
            KWhWithoutTariff += account.KWh;
            _someMeterUnpriced |= account.KWh > 0;
            BuildingsWithoutTariff += account.KWh > 0 ? 1 : 0;
            return;
        }

        (account.KWh > 0 ? _currencies : _idleCurrencies).Add(tariff.Currency);
        KWhOutsideTariff += account.KWhOutsideTariff;
        _someMeterUnpriced |= account.KWhOutsideTariff > 0;
        foreach (var (bucket, kWh, priced) in account.Prices())
        {
            if (priced is { } known)
            {
                _cost[bucket] += known.Cost;
                EnergyCost += known.Cost;
            }
            else
            {
                _unpriced[bucket] += kWh;
                KWhOutsideTariff += kWh;
            }
        }

        DemandCost += account.Demands().Sum(d => d.Cost);
    }
}
