using System.Globalization;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.AiGateway.Accounting;

/// <param name="Day">A day of UTC.</param>
/// <param name="CostUsd">Of the calls with a known price; null where none has one.</param>
/// <param name="HasUnknownCost">Whether there are calls whose price is not known.</param>
internal sealed record UsageItem(
    DateOnly Day, string Model, Guid UserId, long Calls, long InputTokens, long OutputTokens, decimal? CostUsd, bool HasUnknownCost);

internal sealed record UsageTotals(long Calls, long InputTokens, long OutputTokens, decimal? CostUsd, bool HasUnknownCost);

internal sealed record UsageResponse(DateTimeOffset From, DateTimeOffset To, UsageTotals Totals, IReadOnlyList<UsageItem> Items);

internal static class UsageEndpoints
{
    private const int DefaultDays = 7;
    private const int MostDays = 20_000;

    public static WebApplicationBuilder AddAccounting(this WebApplicationBuilder builder)
    {
        builder.Services.AddMeasures<UsageMetrics>();
        builder.Services.AddSingleton<LedgerWriter>();
        builder.Services.AddSingleton<UsageLedger>();
        builder.Services.AddSingleton<UsageReport>();
        return builder;
    }

    public static IEndpointRouteBuilder MapAccounting(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/v1/ai/usage", ReadUsageAsync)
            .WithName("ReadAiUsage").WithSummary("Tokens and cost by day, model and user; one's own, for Admins the organisation's.").WithTags("AI")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .RequirePermission(Permission.UseAi);
        return app;
    }

    private static async Task<Results<Ok<UsageResponse>, ProblemHttpResult>> ReadUsageAsync(
        HttpContext context, UsageReport report, TimeProvider time, string? from, string? to, CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string[]>();
        var end = Read("to", to, errors) ?? time.GetUtcNow();
        var start = Read("from", from, errors) ?? end.AddDays(-DefaultDays);
        if (errors.Count == 0 && start >= end)
        {
            errors["from"] = ["from must be before to."];
        }
        else if (errors.Count == 0 && (end - start).TotalDays > MostDays)
        {
            errors["from"] = [$"The period must not have more than {MostDays} days."];
        }

        if (errors.Count > 0)
        {
            return Problems.Validation(errors);
        }

        var caller = context.User.GetCaller();
        var items = await report.ReadAsync(caller.OrganizationId, caller.Role == Role.Admin ? null : caller.UserId, start, end, cancellationToken);
        var priced = items.Where(i => i.CostUsd is not null).ToList();
        var totals = new UsageTotals(
            items.Sum(i => i.Calls), items.Sum(i => i.InputTokens), items.Sum(i => i.OutputTokens),
            priced.Count == 0 && items.Count > 0 ? null : priced.Sum(i => i.CostUsd), items.Exists(i => i.HasUnknownCost));
        return TypedResults.Ok(new UsageResponse(start, end, totals, items));
    }

    /// <summary>A time needs its offset: without one it would be the server's.</summary>
    private static DateTimeOffset? Read(string name, string? text, Dictionary<string, string[]> errors)
    {
        if (text is null)
        {
            return null;
        }

        // A + that was not escaped arrives as a space.
        var plain = text.Replace(' ', '+');
        if (DateTimeOffset.TryParseExact(
            plain, ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var at)
            && (plain.EndsWith('Z') || plain.LastIndexOfAny(['+', '-']) > plain.IndexOf('T')) && at.Year > 1)
        {
            return at.ToUniversalTime();
        }

        errors[name] = [$"{name} must be a time with offset, such as 2026-11-24T10:00:00Z."];
        return null;
    }
}
