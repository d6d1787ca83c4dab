using CityPulse.Api.Alerts;
using CityPulse.Api.Buildings;
using CityPulse.Api.Data;
using CityPulse.Api.Energy;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.Api.Sensors;
using CityPulse.Api.Sensors.Domain;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.Analytics;

/// <summary>The organisation at a glance.</summary>
/// <param name="OpenAlerts">Alerts that are not closed.</param>
internal sealed record OverviewResponse(
    DateTimeOffset At, int Buildings, SensorStates Sensors, OverviewEnergy Energy, int OpenAlerts, OverviewDataQuality DataQuality);

/// <param name="TimeZone">Of the day; UTC where the buildings lie in several zones.</param>
/// <param name="Norm">The same weekday as far as now, of the last four weeks; null where nothing is known of them.</param>
/// <param name="ChangePercent">Today against the norm; null without one, or where it is 0.</param>
internal sealed record OverviewEnergy(string TimeZone, EnergyToday Today, EnergyNorm? Norm, double? ChangePercent);

/// <param name="From">Midnight; the period ends now.</param>
internal sealed record EnergyToday(DateTimeOffset From, double Kwh, decimal? Cost, string? Currency, double? Co2Kg, double Coverage);

/// <param name="Kwh">Mean of the weeks.</param>
/// <param name="Weeks">How many of the last four weeks are known well enough.</param>
internal sealed record EnergyNorm(double Kwh, int Weeks);

/// <param name="Completeness">Of the readings that the last 24 hours should have brought, the share that is there, over all sensors; null without any.</param>
/// <param name="ReportingShare">Of the sensors, the share that is online; null without any.</param>
internal sealed record OverviewDataQuality(double? Completeness, double? ReportingShare);

internal sealed class Overview(CityDb db, EnergyReport energy, TimeProvider time)
{
    private const int NormWeeks = 4;
    /// <summary>A week of which less is known tells nothing of the norm.</summary>
    private const double LeastCoverage = 0.5;

    public static async Task<Read<OverviewResponse>> GetAsync(Overview overview, CancellationToken cancellationToken) =>
        Answers.Read(await overview.MakeAsync(cancellationToken));

    private async Task<OverviewResponse> MakeAsync(CancellationToken cancellationToken)
    {
        // The minute, so that two looks within it are the same answer.
        var now = time.GetUtcNow();
        now = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        var zones = await db.Buildings.AsNoTracking().Select(b => b.TimeZone).ToListAsync(cancellationToken);
        var since = now.AddDays(-1);
        var sensors = await db.Sensors.AsNoTracking().WithLast(db)
            .Select(r => new
            {
                r.LastAt,
                r.Sensor.IntervalSeconds,
                LastDay = db.Set<StoredReading>().Count(x => x.SensorKey == r.Sensor.Key && x.ObservedAt >= since && x.ObservedAt < now),
            })
            .ToListAsync(cancellationToken);
        var states = sensors.CountBy(s => SensorStatus.Of(s.LastAt, s.IntervalSeconds, now)).ToDictionary();
        var regular = sensors.Where(s => s.IntervalSeconds is > 0 and <= 86_400).ToList();
        return new OverviewResponse(
            now,
            zones.Count,
            new SensorStates(sensors.Count, Count(SensorStatus.Online), Count(SensorStatus.Stale), Count(SensorStatus.Offline), Count(SensorStatus.Never)),
            await EnergyAsync(zones, now, cancellationToken),
            await AlertQueries.CountOpenAsync(db, buildingId: null, cancellationToken),
            new OverviewDataQuality(
                regular.Count > 0 ? regular.Average(s => Math.Min(1, (double)s.LastDay * s.IntervalSeconds / 86_400)) : null,
                sensors.Count > 0 ? (double)Count(SensorStatus.Online) / sensors.Count : null));

        int Count(string status) => states.GetValueOrDefault(status);
    }

    private async Task<OverviewEnergy> EnergyAsync(List<string> zones, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var zone = Zones.CommonOf(zones);
        var day = CivilTime.DayOf(now, zone);
        var midnight = CivilTime.StartOf(day, zone);
        var today = await TotalsAsync(midnight, now - midnight, cancellationToken);
        var before = new List<double>();
        for (var week = 1; week <= NormWeeks; week++)
        {
            var earlier = await TotalsAsync(CivilTime.StartOf(day.AddDays(-7 * week), zone), now - midnight, cancellationToken);
            if (earlier?.Coverage >= LeastCoverage)
            {
                before.Add(earlier.Kwh);
            }
        }

        var norm = before.Count > 0 ? new EnergyNorm(before.Average(), before.Count) : null;
        return new OverviewEnergy(
            zone.Id,
            new EnergyToday(midnight, today?.Kwh ?? 0, today?.Cost, today?.Currency, today is null ? 0 : today.Co2Kg, today?.Coverage ?? 0),
            norm,
            norm is { Kwh: > 0 } && today is { Coverage: > 0 } ? ((today.Kwh / norm.Kwh) - 1) * 100 : null);
    }

    /// <summary>Null for a day that has just begun.</summary>
    private async Task<EnergyTotals?> TotalsAsync(DateTimeOffset from, TimeSpan length, CancellationToken cancellationToken) => length > TimeSpan.Zero
        ? (await energy.GetAsync(new EnergyQuestion(null, new EnergyPeriod(from, from + length), EnergyResolution.Day), cancellationToken)).Answer!.Totals
        : null;
}
