using CityPulse.Api.Data;
using CityPulse.Api.Energy.Domain;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Energy.Terms;

/// <summary>The tariffs and emission factors that apply to buildings in one question, and accounts by them.</summary>
internal sealed class AppliedTerms(
    EnergyQuestion question, IReadOnlyDictionary<Guid, TariffSource> tariffs, IReadOnlyList<EmissionRate> rates, BucketGrid? blocks)
{
    private readonly Dictionary<(Guid, string), StepSchedule> _schedules = [];

    /// <summary>The quarter hours (or longer blocks) of the period; null where it holds no reading.</summary>
    public BucketGrid? Blocks => blocks;

    public BuildingAccount Open(EnergyBuilding building, BucketGrid grid)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(building.TimeZone);
        var tariff = (question.TariffId ?? building.TariffId) is { } id ? tariffs.GetValueOrDefault(id) : null;
        var emissions = new EmissionPlan(building.KgPerKWh, [.. rates.Where(r => r.Region == building.EmissionRegion)]);
        return new BuildingAccount(grid, zone, tariff, tariff is null ? null : ScheduleOf(tariff, zone), blocks, emissions);
    }

    /// <summary>Buildings of one zone under one tariff share its prices.</summary>
    private StepSchedule ScheduleOf(TariffSource tariff, TimeZoneInfo zone)
    {
        if (!_schedules.TryGetValue((tariff.Id, zone.Id), out var schedule))
        {
            // Where there are no readings there is nothing to price, however long the period.
            schedule = blocks is null
                ? new StepSchedule([])
                : tariff.Plan.Schedule(new(blocks.From, TimeSpan.Zero), new(blocks.To, TimeSpan.Zero), zone);
            _schedules[(tariff.Id, zone.Id)] = schedule;
        }

        return schedule;
    }
}

/// <summary>Finds the tariffs and factors of buildings: a round trip each, and none where nothing refers to any.</summary>
internal sealed class EnergyTerms(CityDb db)
{
    /// <returns>Null where the question names a tariff that does not exist.</returns>
    public async Task<AppliedTerms?> FindAsync(
        IReadOnlyCollection<EnergyBuilding> buildings, EnergyQuestion question, BucketGrid? blocks, CancellationToken cancellationToken)
    {
        var ids = question.TariffId is { } asked ? [asked] : buildings.Select(b => b.TariffId).OfType<Guid>().Distinct().ToArray();
        var tariffs = ids.Length == 0
            ? []
            : await db.Set<Tariff>().AsNoTracking().Where(t => ids.Contains(t.Id))
                .Select(t => new { t.Id, t.Name, t.Version, t.Currency, t.Carrier, t.Terms })
                .ToDictionaryAsync(
                    t => t.Id,
                    t => new TariffSource(t.Id, t.Name, t.Version, t.Currency, t.Carrier, PlanOf(t.Terms, question.TariffAsOf)),
                    cancellationToken);
        if (question.TariffId is { } id && !tariffs.ContainsKey(id))
        {
            return null;
        }

        var regions = buildings.Where(b => b.KgPerKWh is null).Select(b => b.EmissionRegion).OfType<string>().Distinct().ToArray();
        var rates = regions.Length == 0
            ? []
            : await db.Set<EmissionFactor>().AsNoTracking()
                .Where(f => regions.Contains(f.Region) && f.Method == question.Co2Method)
                .OrderBy(f => f.Id)
                .Select(f => new EmissionRate(f.Id, f.Region, f.Year, f.Carrier, f.Method, f.Source, f.KgPerKwh, f.Version))
                .ToListAsync(cancellationToken);
        return new AppliedTerms(question, tariffs, rates, blocks);
    }

    private static TariffPlan PlanOf(IReadOnlyList<TariffTerms> terms, DateOnly? asOf)
    {
        var plan = new TariffPlan(terms);
        return asOf is { } day ? plan.AsOf(day) : plan;
    }
}
