using System.Globalization;
using System.Text.Json;
using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Json;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Energy.Terms;

/// <summary>What a tariff must be, and how a request becomes one.</summary>
internal sealed class TariffResource() : TermsResource<Tariff, TariffRequest, TariffResponse>(Route, "tariff")
{
    public const string Route = "/api/v1/citypulse/energy/tariffs";
    public const int MaxRates = 100;
    public const int MaxVersions = 100;
    public const decimal MaxPrice = 1_000_000;

    protected override Validator Check(TariffRequest request)
    {
        var check = new Validator();
        check.Required("name", request.Name, MaxText);
        if (request.Currency is null)
        {
            check.Fail("currency", "currency is required.");
        }
        else
        {
            check.Check(
                request.Currency.Length == 3 && request.Currency.All(char.IsAsciiLetterUpper),
                "currency", "currency must be a code of ISO 4217: three capital letters, such as EUR.");
        }

        check.OneOf("carrier", request.Carrier, EnergyUnits.Carriers);
        CheckTerms(check, "", request.EnergyRates, request.DemandChargePerKw);
        CheckVersions(check, request);
        return check;
    }

    protected override Tariff Create(TariffRequest request)
    {
        var tariff = new Tariff { Name = "", Currency = "" };
        Write(tariff, request);
        return tariff;
    }

    protected override void Write(Tariff entity, TariffRequest request)
    {
        entity.Name = request.Name!;
        entity.Currency = request.Currency!;
        entity.Carrier = request.Carrier;
        entity.Terms =
        [
            .. (request.EarlierVersions ?? []).Select(v => new TariffTerms(v!.ValidFrom, RatesOf(v.EnergyRates!), v.DemandChargePerKw)),
            new(request.ValidFrom, RatesOf(request.EnergyRates!), request.DemandChargePerKw),
        ];
    }

    protected override TariffResponse Shape(Tariff entity)
    {
        var newest = entity.Terms[^1];
        return new(
            entity.Id, entity.Name, entity.Currency, entity.Carrier, RatesOf(newest), newest.DemandChargePerKw, newest.ValidFrom,
            [.. entity.Terms.SkipLast(1).Select(t => new TariffVersionResponse(t.ValidFrom, RatesOf(t), t.DemandChargePerKw))],
            entity.CreatedAt, entity.UpdatedAt, entity.Version);
    }

    protected override TariffRequest ToRequest(Tariff entity)
    {
        var newest = entity.Terms[^1];
        return new()
        {
            Name = entity.Name,
            Currency = entity.Currency,
            Carrier = entity.Carrier,
            EnergyRates = ModelsOf(newest),
            DemandChargePerKw = newest.DemandChargePerKw,
            ValidFrom = newest.ValidFrom,
            EarlierVersions = [.. entity.Terms.SkipLast(1).Select(t => new TariffVersionModel
            {
                ValidFrom = t.ValidFrom, EnergyRates = ModelsOf(t), DemandChargePerKw = t.DemandChargePerKw,
            })],
        };
    }

    protected override ProblemHttpResult? RefusalOf(string constraint) => constraint == TariffConfiguration.BuildingKey
        ? Problems.Conflict("Buildings have this tariff. Give them another one, or none, first.")
        : null;

    public static IReadOnlyList<EnergyRateResponse> RatesOf(TariffTerms terms) => [.. terms.EnergyRates.Select(RateOf)];

    public static EnergyRateResponse RateOf(EnergyRate rate) =>
        new(rate.PricePerKWh, rate.Months, rate.Weekdays, RateClock.Text(rate.FromMinute), RateClock.Text(rate.ToMinute));

    private static void CheckVersions(Validator check, TariffRequest request)
    {
        var earlier = request.EarlierVersions ?? [];
        if (!check.Check(earlier.Count <= MaxVersions, "earlierVersions", $"earlierVersions must have at most {MaxVersions} entries."))
        {
            return;
        }

        for (var i = 0; i < earlier.Count; i++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"earlierVersions[{i}]");
            if (earlier[i] is not { } version)
            {
                check.Fail(path, $"{path} must be a version.");
                continue;
            }

            CheckTerms(check, $"{path}.", version.EnergyRates, version.DemandChargePerKw);
            check.Check(
                i == 0 || version.ValidFrom > (earlier[i - 1]?.ValidFrom ?? DateOnly.MinValue),
                $"{path}.validFrom", $"{path}.validFrom must be after that of the version before it.");
        }

        check.Check(
            earlier.Count == 0 || request.ValidFrom > (earlier[^1]?.ValidFrom ?? DateOnly.MinValue),
            "validFrom", "validFrom must be after that of every earlier version.");
    }

    private static void CheckTerms(Validator check, string path, IReadOnlyList<EnergyRateModel?>? rates, decimal? demandCharge)
    {
        check.Check(
            demandCharge is null or (>= 0 and <= MaxPrice), $"{path}demandChargePerKw", $"{path}demandChargePerKw must be from 0 to {MaxPrice}.");
        if (rates is null or { Count: 0 })
        {
            check.Fail($"{path}energyRates", $"{path}energyRates is required, with at least one rate.");
            return;
        }

        if (check.Check(rates.Count <= MaxRates, $"{path}energyRates", $"{path}energyRates must have at most {MaxRates} entries."))
        {
            for (var i = 0; i < rates.Count; i++)
            {
                CheckRate(check, string.Create(CultureInfo.InvariantCulture, $"{path}energyRates[{i}]"), rates[i]);
            }
        }
    }

    private static void CheckRate(Validator check, string path, EnergyRateModel? rate)
    {
        if (rate is null)
        {
            check.Fail(path, $"{path} must be a rate.");
            return;
        }

        check.Check(rate.PricePerKwh is not null, $"{path}.pricePerKwh", $"{path}.pricePerKwh is required.");
        check.Check(
            rate.PricePerKwh is null or (>= 0 and <= MaxPrice), $"{path}.pricePerKwh", $"{path}.pricePerKwh must be from 0 to {MaxPrice}.");
        check.Check(
            rate.Months is null || (rate.Months.Count is > 0 and <= 12 && rate.Months.All(m => m is >= 1 and <= 12)),
            $"{path}.months", $"{path}.months must be numbers from 1 to 12.");
        check.Check(
            rate.Weekdays is null || (rate.Weekdays.Count is > 0 and <= 7 && rate.Weekdays.All(d => RateClock.Weekday(d) is not null)),
            $"{path}.weekdays", $"{path}.weekdays must be numbers from 1 (Monday) to 7 or names of days.");
        var (from, to) = (RateClock.Minute(rate.From, latest: EnergyRate.DayMinutes - 1), RateClock.Minute(rate.To, latest: EnergyRate.DayMinutes));
        check.Check(rate.From is null || from is not null, $"{path}.from", $"{path}.from must be a local time as HH:MM, up to 23:59.");
        check.Check(rate.To is null || to is not null, $"{path}.to", $"{path}.to must be a local time as HH:MM, up to 24:00.");
        check.Check(from is null or 0 || from != to, $"{path}.to", $"{path}.to must differ from {path}.from.");
    }

    private static EnergyRate[] RatesOf(IReadOnlyList<EnergyRateModel?> models) =>
    [
        .. models.Select(m => new EnergyRate(
            m!.PricePerKwh!.Value,
            m.Months is null ? null : [.. m.Months.Distinct().Order()],
            m.Weekdays is null ? null : [.. m.Weekdays.Select(d => RateClock.Weekday(d)!.Value).Distinct().Order()],
            RateClock.Minute(m.From, EnergyRate.DayMinutes - 1),
            RateClock.Minute(m.To, EnergyRate.DayMinutes))),
    ];

    private static EnergyRateModel[] ModelsOf(TariffTerms terms) =>
    [
        .. terms.EnergyRates.Select(RateOf).Select(r => new EnergyRateModel
        {
            PricePerKwh = r.PricePerKwh,
            Months = r.Months,
            Weekdays = r.Weekdays is null ? null : [.. r.Weekdays.Select(d => JsonSerializer.SerializeToElement(d, JsonDefaults.Options))],
            From = r.From,
            To = r.To,
        }),
    ];
}

/// <summary>Times and days of rates as they are written.</summary>
internal static class RateClock
{
    private static readonly string[] Days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

    /// <summary>Minutes after midnight of <c>HH:MM</c>; null when it is none or later than <paramref name="latest"/>.</summary>
    public static int? Minute(string? text, int latest) =>
        text is [var a, var b, ':', var c, var d] && char.IsAsciiDigit(a) && char.IsAsciiDigit(b) && c is >= '0' and <= '5' && char.IsAsciiDigit(d)
        && (((a - '0') * 10) + b - '0') * 60 + ((c - '0') * 10) + d - '0' is var minute && minute <= latest
            ? minute
            : null;

    public static string? Text(int? minute) =>
        minute is { } m ? string.Create(CultureInfo.InvariantCulture, $"{m / 60:00}:{m % 60:00}") : null;

    /// <summary>1 (Monday) to 7, from the number or an English name, whole or its first three letters; null for anything else.</summary>
    public static int? Weekday(JsonElement day) => day.ValueKind switch
    {
        JsonValueKind.Number when day.TryGetInt32(out var number) && number is >= 1 and <= 7 => number,
        JsonValueKind.String when day.GetString()!.ToLowerInvariant() is var name
            && Array.FindIndex(Days, d => d == name || d[..3] == name) is var index and >= 0 => index + 1,
        _ => null,
    };
}
