using CityPulse.Api.Auth;
using CityPulse.Api.Data;
using CityPulse.Api.DeviceKeys.Domain;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace CityPulse.Api.DeviceKeys;

/// <summary>The keys of an organisation's devices, for its administrators only.</summary>
internal static class DeviceKeyEndpoints
{
    public const string Route = "/api/v1/citypulse/device-keys";

    public static WebApplicationBuilder AddDeviceKeys(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<KnownDevices>();
        builder.Services.AddHostedService<DeviceUse>();
        builder.Services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, DeviceKeyHandler>(DeviceKeyHandler.Scheme, configureOptions: null);
        // A key that was sent counts alone, whatever token came along: it can do least.
        builder.Services.Configure<AuthenticationSchemeOptions>(AccessTokens.Scheme, options => options.ForwardDefaultSelector =
            context => context.Request.Headers.ContainsKey(CityHeaders.ApiKey) ? DeviceKeyHandler.Scheme : null);
        return builder;
    }

    /// <summary>What is handed on to another service lets everybody pass here; a device has no business there.</summary>
    public static IApplicationBuilder UseDeviceLimits(this IApplicationBuilder app) => app.Use((context, next) =>
        context.User.Identity is DeviceIdentity && context.IsPassThrough()
            ? Problems.Of(StatusCodes.Status403Forbidden, "A device key may only store readings.").ExecuteAsync(context)
            : next(context));

    public static IEndpointRouteBuilder MapDeviceKeys(this IEndpointRouteBuilder app)
    {
        var keys = app.MapGroup(Route).WithTags("Device keys").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes))
            .RequirePermission(Permission.Administer);

        keys.MapGet("/", ListAsync).WithName("ListDeviceKeys").WithSummary("The organisation's device keys, in order of creation.")
            .ReadsConditionally().Refuses(400);
        keys.MapPost("/", CreateAsync).WithName("CreateDeviceKey")
            .WithSummary("Makes a device key. It is in this answer and never shown again; a device sends it as X-Api-Key.")
            .AcceptIdempotencyKey().Refuses(400, 415);
        keys.MapGet("/{id:guid}", GetAsync).WithName("GetDeviceKey").WithSummary("One device key, without the key itself.")
            .ReadsConditionally().Refuses(404);
        keys.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteDeviceKey").WithSummary("Deletes a device key. It opens nothing from now on.")
            .Refuses(400, 404, 412);
        return app;
    }

    private static async Task<Results<Read<Page<DeviceKeyResponse>>, ProblemHttpResult>> ListAsync(
        int? limit, string? cursor, CityDb db, Cursors cursors, CancellationToken cancellationToken)
    {
        var (page, problem) = PageStart<IdKey>.From(cursors, new CursorScope(db.OrganizationId, Route), limit, cursor);
        if (page is null)
        {
            return problem!;
        }

        var keys = page.After is { } after ? db.DeviceKeys.Where(k => k.Id > after.Id) : db.DeviceKeys;
        var rows = await keys.AsNoTracking().OrderBy(k => k.Id).Take(page.Fetch).Select(k => DeviceKeyResponse.Of(k)).ToListAsync(cancellationToken);
        return Answers.Read(page.ToPage(rows, k => new IdKey(k.Id)));
    }

    private static async Task<Results<Added<NewDeviceKeyResponse>, ProblemHttpResult>> CreateAsync(
        DeviceKeyRequest request, CityDb db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = DeviceKeyRules.Check(request, clock.GetUtcNow());
        if (!check.Failed && request.BuildingIds is { } buildings)
        {
            await DeviceKeyRules.CheckBuildingsAsync(check, db.Buildings.Select(b => b.Id), buildings, cancellationToken);
        }

        if (check.Failed)
        {
            return check.ToProblem();
        }

        var text = DeviceKeyText.Make();
        return await db.InTransactionAsync<Results<Added<NewDeviceKeyResponse>, ProblemHttpResult>>(
            async token =>
            {
                var key = new DeviceKey
                {
                    Name = request.Name!,
                    Hash = DeviceKeyText.Hash(text),
                    Hint = DeviceKeyText.Hint(text),
                    BuildingIds = request.BuildingIds is { } ids ? [.. ids] : null,
                    ExpiresAt = request.ExpiresAt?.ToUniversalTime(),
                };
                db.Add(key);
                await db.SaveChangesAsync(token);
                return Answers.Created($"{Route}/{key.Id}", NewDeviceKeyResponse.Of(key, text), ETags.Of(key.Id, key.Version));
            },
            cancellationToken);
    }

    private static async Task<Results<Read<DeviceKeyResponse>, ProblemHttpResult>> GetAsync(Guid id, CityDb db, CancellationToken cancellationToken) =>
        await db.DeviceKeys.AsNoTracking().Where(k => k.Id == id).Select(k => DeviceKeyResponse.Of(k)).SingleOrDefaultAsync(cancellationToken) is { } key
            ? Answers.Read(key, key.ETag())
            : Problems.NotFound("device key");

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, CityDb db, RevocationNews news, CancellationToken cancellationToken)
    {
        var answer = await db.InTransactionAsync<Results<NoContent, ProblemHttpResult>>(
            async token =>
            {
                if (await db.LockAsync<DeviceKey>(id, delete: true, token) is not { } key)
                {
                    return Problems.NotFound("device key");
                }

                if (Preconditions.Check(ifMatch, id, key.Version) is { } refusal)
                {
                    return refusal;
                }

                db.Remove(key);
                await db.SaveChangesAsync(token);
                return TypedResults.NoContent();
            },
            cancellationToken);
        if (!Statuses.IsRefusal(answer))
        {
            await news.TellAsync();
        }

        return answer;
    }
}
