using CityPulse.Api.Energy.Live;
using CityPulse.Api.Energy.Terms;
using CityPulse.Api.Http;
using CityPulse.Api.Http.Kept;
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
        builder.Services.AddScoped<EnergyTerms>();
        builder.Services.AddScoped<EnergyReport>();
        builder.Services.AddScoped<EnergyRanking>();
        builder.Services.AddScoped<EnergyComparison>();
        builder.Services.AddScoped<EnergyExplanation>();
        builder.Services.AddScoped<WeatherReader>();
        builder.Services.AddScoped<EnergyBaseline>();
        builder.Services.AddScoped<EnergyNow>();
        builder.Services.AddHostedService<EnergyTeller>();
        return builder;
    }

    public static IEndpointRouteBuilder MapEnergy(this IEndpointRouteBuilder app)
    {
        var energy = app.MapGroup("/api/v1/citypulse/energy").WithTags("Energy").RequirePermission(Permission.ReadCity);
        energy.MapGet("/", GetEnergyAsync).WithName("GetEnergy").WithSummary("Energy, cost and emissions of a building or the whole portfolio, in buckets.")
            .Refuses(400, 404).ReadsConditionally().KeepAnswersOfThePast();
        energy.MapGet("/ranking", GetRankingAsync).WithName("GetEnergyRanking")
            .WithSummary("Buildings by energy, intensity, cost or emissions, worst first.")
            .Refuses(400, 404).ReadsConditionally().KeepAnswersOfThePast();
        energy.MapGet("/compare", CompareAsync).WithName("CompareEnergy").WithSummary("A period beside the one before it or a year ago, and the change.")
            .Refuses(400, 404).ReadsConditionally();
        energy.MapGet("/explain", ExplainAsync).WithName("ExplainEnergy")
            .WithSummary("A figure with everything that made it: readings, steps, rates, peaks, factors and their versions.")
            .Refuses(400, 404).ReadsConditionally();
        energy.MapGet("/baseline", GetBaselineAsync).WithName("GetEnergyBaseline")
            .WithSummary("Metered use beside what the weather lets expect, after an earlier period; savings, and how certain they are.")
            .Refuses(400, 404).ReadsConditionally();
        new TariffResource().Map(app, "Tariff", "Tariffs", "a tariff");
        new EmissionFactorResource().Map(app, "EmissionFactor", "EmissionFactors", "an emission factor");
        return app;
    }

    private static Task<Results<Read<EnergyResponse>, ProblemHttpResult>> GetEnergyAsync(
        [AsParameters] EnergyQuery query, EnergyReport report, TimeProvider time, CancellationToken cancellationToken) =>
        AnswerAsync(query, time, question => report.GetAsync(question, cancellationToken));

    private static Task<Results<Read<EnergyExplanationResponse>, ProblemHttpResult>> ExplainAsync(
        [AsParameters] EnergyQuery query, EnergyExplanation explanation, TimeProvider time, CancellationToken cancellationToken) =>
        AnswerAsync(query, time, question => explanation.GetAsync(question, cancellationToken));

    private static async Task<Results<Read<EnergyComparisonResponse>, ProblemHttpResult>> CompareAsync(
        [AsParameters] EnergyQuery query, string? with, EnergyComparison comparison, TimeProvider time, CancellationToken cancellationToken) =>
        with is null || EnergyComparison.All.Contains(with)
            ? await AnswerAsync(query, time, question => comparison.GetAsync(question, with ?? EnergyComparison.Previous, cancellationToken))
            : Problems.Validation("with", $"with must be one of {string.Join(", ", EnergyComparison.All)}.");

    private static async Task<Results<Read<EnergyRankingResponse>, ProblemHttpResult>> GetRankingAsync(
        EnergyRanking ranking, TimeProvider time, string? metric, string? from, string? to, string? carrier, bool? annualise,
        Guid? tariffId, string? tariffAsOf, string? co2Method, CancellationToken cancellationToken)
    {
        if (metric is not null && !EnergyRanking.Metrics.Contains(metric))
        {
            return Problems.Validation("metric", $"metric must be one of {string.Join(", ", EnergyRanking.Metrics)}.");
        }

        var query = new EnergyQuery(BuildingId: null, from, to, Resolution: null, carrier, annualise, tariffId, tariffAsOf, co2Method);
        return await AnswerAsync(query, time, question => ranking.GetAsync(metric ?? "kwh", question, cancellationToken));
    }

    private static async Task<Results<Read<BaselineResponse>, ProblemHttpResult>> GetBaselineAsync(
        [AsParameters] BaselineQuery query, EnergyBaseline baseline, CancellationToken cancellationToken)
    {
        var (question, problem) = BaselineQuestion.Parse(query);
        if (question is null)
        {
            return problem!;
        }

        var (answer, refusal) = await baseline.GetAsync(question, cancellationToken);
        return answer is null ? refusal! : Answers.Read(answer);
    }

    /// <summary>The answer to a question, if the question is one.</summary>
    private static async Task<Results<Read<T>, ProblemHttpResult>> AnswerAsync<T>(
        EnergyQuery query, TimeProvider time, Func<EnergyQuestion, Task<(T? Answer, ProblemHttpResult? Problem)>> ask)
        where T : class
    {
        var (question, problem) = EnergyQuestion.Parse(query, time.GetUtcNow());
        if (question is null)
        {
            return problem!;
        }

        var (answer, refusal) = await ask(question);
        return answer is null ? refusal! : Answers.Read(answer);
    }
}
