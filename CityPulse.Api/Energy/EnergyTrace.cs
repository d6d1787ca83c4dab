using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Energy.Terms;

namespace CityPulse.Api.Energy;

/// <summary>Watches a figure being made, meter by meter and building by building, so that a person can make it again.</summary>
internal sealed class EnergyTrace
{
    private const int MaxQuarantined = 100;

    private readonly List<MeterExplanation> _meters = [];
    private readonly List<TariffExplanation> _tariffs = [];
    private readonly List<Co2FactorUse> _factors = [];
    private MeterTrace? _current;

    public IReadOnlyList<MeterExplanation> Meters => _meters;

    public IReadOnlyList<TariffExplanation> Tariffs => _tariffs;

    public IReadOnlyList<Co2FactorUse> Factors => _factors;

    public IEnergySink Begin(EnergyPeriod period) => _current = new MeterTrace(BucketGrid.Whole(period.From, period.To));

    public void End(EnergySensor sensor, ReadingsRead read)
    {
        var (trace, spec) = (_current!, sensor.Spec);
        var total = trace.Tally.Total;
        _meters.Add(new MeterExplanation(
            sensor.Id, sensor.BuildingId, sensor.Name, sensor.Quantity, sensor.Unit, sensor.Kind, sensor.Carrier, spec.Interval.TotalSeconds,
            spec.ToKWh, spec.RegisterMaximum, spec.RatedPowerKw, read.Count, HeldReadings: 0, read.First, read.Last,
            trace.Steps, trace.Tally.Quarantined, trace.Quarantined, total.KWh, total.Coverage, total.Method.Name()));
    }

    public void Close(Guid buildingId, BuildingAccount account)
    {
        if (account.Tariff is { } tariff)
        {
            var rates = account.Prices().Where(p => p.Priced is not null).Select(p => p.Priced!.Value)
                .GroupBy(p => (p.Terms.ValidFrom, p.Rate))
                .Select(g => new RateExplanation(g.Key.ValidFrom, TariffResource.RateOf(g.Key.Rate), g.Sum(p => p.KWh), g.Sum(p => p.Cost)));
            var demand = account.Demands().Select(d => new DemandExplanation(d.Month, d.Peak.Kw, d.Peak.At, d.ChargePerKw, d.Cost));
            var unpriced = account.Prices().Where(p => p.Priced is null).Sum(p => p.KWh) + account.KWhOutsideTariff;
            _tariffs.Add(new TariffExplanation(
                buildingId, tariff.Id, tariff.Name, tariff.Version, tariff.Currency, tariff.Carrier, [.. rates], [.. demand], unpriced));
        }

        var books = new EnergyBooks(account.Buckets);
        books.Close(buildingId, account);
        _factors.AddRange(books.Co2Factors.Select(f => f with { BuildingId = buildingId }));
    }

    private sealed class MeterTrace : IEnergySink
    {
        private readonly BucketGrid _grid;
        private readonly List<QuarantinedStep> _quarantined = [];

        public MeterTrace(BucketGrid grid)
        {
            (_grid, Tally) = (grid, new EnergyTally(grid));
            Tally.BeginMeter(kgPerKWh: null);
        }

        public EnergyTally Tally { get; }

        public int Steps { get; private set; }

        public IReadOnlyList<QuarantinedStep> Quarantined => _quarantined;

        public void Add(in EnergySegment segment)
        {
            Steps += segment.From < _grid.To && segment.To > _grid.From ? 1 : 0;
            Tally.Add(segment);
        }

        public void Quarantine(long from, long to)
        {
            Tally.Quarantine(from, to);
            if (from < _grid.To && to > _grid.From && _quarantined.Count < MaxQuarantined)
            {
                _quarantined.Add(new(new(from, TimeSpan.Zero), new(to, TimeSpan.Zero)));
            }
        }
    }
}
