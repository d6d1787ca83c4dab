using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Readings.Retention;

/// <param name="Months">How many months readings are kept, 1..1200; null or absent is the installation's default.</param>
public sealed record RetentionRequest
{
    public int? Months { get; init; }
}

/// <param name="Months">How many whole months readings are kept. Hourly rollups stay and go on answering <c>1h</c> and <c>1d</c>.</param>
/// <param name="IsDefault">Whether that is the installation's default and not the organisation's own decision.</param>
internal sealed record RetentionResponse(int Months, bool IsDefault, DateTimeOffset? UpdatedAt, int Version);

internal static class RetentionEndpoints
{
    private static readonly string[] ReadOnly = ["isDefault", "updatedAt", "version"];

    public static void AddRetention(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<RetentionSweep>();
        builder.Services.AddHostedService<RetentionWorker>();
    }

    public static void MapRetention(this IEndpointRouteBuilder app)
    {
        var setting = app.MapGroup("/api/v1/citypulse/settings/retention").WithTags("Readings")
            .WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes));
        setting.MapGet("/", GetAsync).WithName("GetRetention").WithSummary("How long readings are kept.")
            .RequirePermission(Permission.Administer).ReadsConditionally();
        setting.MapPut("/", ReplaceAsync).WithName("ReplaceRetention")
            .WithSummary("Decides how long readings are kept; older ones are deleted in the background, their hourly rollups are not.")
            .Accepts<RetentionRequest>(MediaTypes.Json)
            .RequirePermission(Permission.Administer).Refuses(400, 409, 412, 415, 428);
    }

    private static async Task<Read<RetentionResponse>> GetAsync(CityDb db, IOptions<RetentionOptions> options, CancellationToken cancellationToken)
    {
        var setting = await db.Set<RetentionSetting>().AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        return Answers.Read(Show(setting, options.Value), Tag(db, setting));
    }

    private static async Task<Results<Changed<RetentionResponse>, ProblemHttpResult>> ReplaceAsync(
        [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, IOptions<RetentionOptions> options, CancellationToken cancellationToken)
    {
        var (request, problem) = await Bodies.ReadReplacementAsync<RetentionRequest>(http, ReadOnly, db.OrganizationId);
        if (request is null)
        {
            return problem!;
        }

        if (request.Months is < 1 or > RetentionOptions.MaxMonths)
        {
            return Problems.Validation("months", $"months must be from 1 to {RetentionOptions.MaxMonths}.");
        }

        return await db.InTransactionAsync<Results<Changed<RetentionResponse>, ProblemHttpResult>>(
            async token =>
            {
                var setting = await db.Set<RetentionSetting>()
                    .FromSql($"SELECT * FROM retention_settings WHERE organization_id = {db.OrganizationId} FOR NO KEY UPDATE")
                    .SingleOrDefaultAsync(token);
                if (Preconditions.Require(ifMatch, db.OrganizationId, setting?.Version ?? 0) is { } refusal)
                {
                    return refusal;
                }

                setting ??= db.Add(new RetentionSetting()).Entity;
                setting.Months = request.Months;
                return await db.TrySaveAsync(token) is null
                    ? Answers.Changed(Show(setting, options.Value), Tag(db, setting))
                    : Problems.Conflict("Somebody else has decided at the same time.");
            },
            cancellationToken);
    }

    private static RetentionResponse Show(RetentionSetting? setting, RetentionOptions options) =>
        new(setting?.Months ?? options.Months, setting?.Months is null, setting?.UpdatedAt, setting?.Version ?? 0);

    private static string Tag(CityDb db, RetentionSetting? setting) => ETags.Of(db.OrganizationId, setting?.Version ?? 0);
}
