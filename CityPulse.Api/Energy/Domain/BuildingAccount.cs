namespace CityPulse.Api.Energy.Domain;

/// <summary>A tariff as it was when a figure was made.</summary>
/// <param name="Carrier">The only carrier that it prices; null when it prices all.</param>
internal sealed record TariffSource(Guid Id, string Name, int Version, string Currency, string? Carrier, TariffPlan Plan);

/// <summary>What the kWh of one rate cost.</summary>
internal readonly record struct PricedEnergy(TariffTerms Terms, EnergyRate Rate, double KWh, decimal Cost);

/// <summary>What a month's peak cost.</summary>
internal readonly record struct PricedDemand(DateOnly Month, PeakDemand Peak, decimal ChargePerKw, decimal Cost);

/// <summary>What the kWh of one factor emitted.</summary>
internal readonly record struct WeighedEnergy(EmissionRate Rate, double KWh, double Co2Kg);

/// <summary>
/// Takes the segments of one building's meters and tells what they cost and emitted. Money is exact: the kWh of a bucket and rate are
/// rounded to a decimal's 15 digits once, everything after that is decimal.
/// </summary>
/// <param name="schedule">The tariff's rates over the period, where there is a tariff.</param>
/// <param name="blocks">The demand blocks of the period, where the tariff charges for demand.</param>
internal sealed class BuildingAccount(
    BucketGrid grid, TimeZoneInfo zone, TariffSource? tariff, StepSchedule? schedule, BucketGrid? blocks, EmissionPlan emissions) : IEnergySink
{
    private readonly Ledger? _prices = schedule is null ? null : new Ledger(grid, schedule);
    private readonly DemandBlocks? _demand = blocks is null || tariff?.Plan.HasDemandCharge != true ? null : new DemandBlocks(blocks);
    private readonly Dictionary<string, Ledger?> _factors = [];

    private Ledger? _factor;
    private bool _priced;

    public int Buckets => grid.Count;

    public TariffSource? Tariff => tariff;

    public EmissionPlan Emissions => emissions;

    /// <summary>All energy of the building in the period.</summary>
    public double KWh { get; private set; }

    /// <summary>Energy of meters that no tariff, or no factor, is about.</summary>
    public double KWhOutsideTariff { get; private set; }

    public double KWhWithoutFactor { get; private set; }

    public void BeginMeter(string carrier)
    {
        _priced = tariff is not null && (tariff.Carrier is null || tariff.Carrier == carrier);
        _demand?.BeginMeter();
        if (!_factors.TryGetValue(carrier, out _factor))
        {
            var (from, to) = (new DateTimeOffset(grid.From, TimeSpan.Zero), new DateTimeOffset(grid.To, TimeSpan.Zero));
            _factor = _factors[carrier] = emissions.Schedule(carrier, from, to, zone) is { } factors ? new Ledger(grid, factors) : null;
        }
    }

    public void Add(in EnergySegment segment)
    {
        var (from, to) = (Math.Max(segment.From, grid.From), Math.Min(segment.To, grid.To));
        if (from >= to)
        {
            return;
        }

        var kWh = segment.Within(from, to);
        KWh += kWh;
        if (_priced)
        {
            _prices?.Add(segment);
            _demand?.Add(segment);
        }
        else
        {
            KWhOutsideTariff += kWh;
        }

        if (_factor is not null)
        {
            _factor.Add(segment);
        }
        else if (emissions.OwnKgPerKWh is null)
        {
            KWhWithoutFactor += kWh;
        }
    }

    public void Quarantine(long from, long to)
    {
    }

    /// <summary>Every part of the energy that has one price, by bucket; without a rate where none fits.</summary>
    public IEnumerable<(int Bucket, double KWh, PricedEnergy? Priced)> Prices() =>
        from line in _prices?.Lines() ?? []
        select (line.Bucket, line.KWh, line.What == StepSchedule.None ? (PricedEnergy?)null : Price(line.What, line.KWh));

    /// <summary>
    /// The demand charge of each month in which something was used: the month's peak within the period, at the charge that was valid
    /// on the day of the peak. It is not scaled where the period has a part of the month only.
    /// </summary>
    public IEnumerable<PricedDemand> Demands() =>
        from month in _demand?.PeaksByMonth(zone) ?? []
        let charge = tariff!.Plan.TermsOn(CivilTime.DayOf(month.Peak.At, zone))?.DemandChargePerKw
        where charge > 0
        select new PricedDemand(month.Month, month.Peak, charge.Value, (decimal)month.Peak.Kw * charge.Value);

    /// <summary>Every part of the energy that has one factor of the region, by bucket; without a rate where none fits.</summary>
    public IEnumerable<(int Bucket, double KWh, WeighedEnergy? Weighed)> Factors() =>
        from line in _factors.Values.SelectMany(ledger => ledger?.Lines() ?? [])
        select (line.Bucket, line.KWh, line.What == StepSchedule.None
            ? (WeighedEnergy?)null
            : new WeighedEnergy(emissions[line.What], line.KWh, line.KWh * emissions[line.What].KgPerKWh));

    private PricedEnergy Price(int number, double kWh)
    {
        var (terms, rate) = tariff!.Plan[number];
        return new PricedEnergy(terms, rate, kWh, (decimal)kWh * rate.PricePerKWh);
    }
}
