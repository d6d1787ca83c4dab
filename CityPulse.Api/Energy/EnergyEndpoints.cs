using CityPulse.Api.Energy.Domain;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Energy;

internal static class EnergyEndpoints
{
    public static WebApplicationBuilder AddEnergy(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<EnergyOptions>().BindConfiguration(EnergyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddScoped<EnergyReader>();
        builder.Services.AddScoped<EnergyReport>();
        builder.Services.AddScoped<EnergyRanking>();
        return builder;
    }

    public static IEndpointRouteBuilder MapEnergy(this IEndpointRouteBuilder app)
    {
        var energy = app.MapGroup("/api/v1/citypulse/energy").WithTags("Energy").RequirePermission(Permission.ReadCity);
        energy.MapGet("/", GetEnergyAsync).WithName("GetEnergy").WithSummary("Energy of a building or the whole portfolio, in buckets.")
            .Refuses(400, 404).ReadsConditionally();
        energy.MapGet("/ranking", GetRankingAsync).WithName("GetEnergyRanking").WithSummary("Buildings by energy, intensity or emissions, worst first.")
            .Refuses(400).ReadsConditionally();
        return app;
    }

    private static async Task<Results<Read<EnergyResponse>, ProblemHttpResult>> GetEnergyAsync(
        EnergyReport report, TimeProvider time, Guid? buildingId, string? from, string? to, string? resolution, string? carrier,
        bool? annualise, CancellationToken cancellationToken)
    {
        var (period, problem) = EnergyPeriod.Parse(from, to, time.GetUtcNow());
        if (problem is not null)
        {
            return problem;
        }

        if (ParseResolution(resolution) is not { } size)
        {
            return Problems.Validation("resolution", "resolution must be one of 15m, 1h, 1d, 1mo.");
        }

        if (carrier is not null && !EnergyUnits.Carriers.Contains(carrier))
        {
            return Problems.Validation("carrier", $"carrier must be one of {string.Join(", ", EnergyUnits.Carriers)}.");
        }

        return await report.GetAsync(buildingId, period, size, carrier, annualise, cancellationToken) switch
        {
            (null, var refusal) => refusal!,
            (var answer, _) => Answers.Read(answer),
        };
    }

    private static async Task<Results<Read<EnergyRankingResponse>, ProblemHttpResult>> GetRankingAsync(
        EnergyRanking ranking, TimeProvider time, string? metric, string? from, string? to, string? carrier, bool? annualise,
        CancellationToken cancellationToken)
    {
        var (period, problem) = EnergyPeriod.Parse(from, to, time.GetUtcNow());
        if (problem is not null)
        {
            return problem;
        }

        if (carrier is not null && !EnergyUnits.Carriers.Contains(carrier))
        {
            return Problems.Validation("carrier", $"carrier must be one of {string.Join(", ", EnergyUnits.Carriers)}.");
        }

        return metric switch
        {
            null or "kwh" or "eui" or "co2" =>
                Answers.Read(await ranking.GetAsync(metric ?? "kwh", period, carrier, annualise, cancellationToken)),
            "cost" => Problems.Validation("metric", "Ranking by cost needs tariffs, which this version does not have; use kwh, eui or co2."),
            _ => Problems.Validation("metric", "metric must be one of kwh, eui, co2."),
        };
    }

    private static EnergyResolution? ParseResolution(string? text) => text switch
    {
        "15m" => EnergyResolution.QuarterHour,
        "1h" => EnergyResolution.Hour,
        null or "1d" => EnergyResolution.Day,
        "1mo" => EnergyResolution.Month,
        _ => null,
    };
}
