using CityPulse.Api.Data;
using CityPulse.Api.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace CityPulse.Api.Alerts.Channels;

using Answer = Results<Changed<ChannelResponse>, ProblemHttpResult>;

internal static class ChannelEndpoints
{
    public const string Route = AlertEndpoints.Route + "/channels";

    public static void AddChannels(this IServiceCollection services)
    {
        services.AddOptions<ChannelOptions>().BindConfiguration(ChannelOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<SmtpOptions>().BindConfiguration(SmtpOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<SmtpOptions>, SmtpOptionsCheck>();
        services.AddSingleton<ChannelSecrets>();
        services.AddSingleton<WebhookSender>();
        services.AddSingleton<EmailSender>();
        services.AddSingleton<DeliverySignal>();
        services.AddSingleton<DeliveryClaims>();
        services.AddSingleton<FloodTeller>();
        services.AddScoped<DeliveryQueue>();
        services.AddScoped<DeliveryRun>();
        services.AddHostedService<DeliveryWorker>();
    }

    public static void MapChannels(this IEndpointRouteBuilder app)
    {
        var channels = app.MapGroup(Route).WithTags("Alerts").WithMetadata(new RequestSizeLimitAttribute(HttpConventions.MaxBodyBytes))
            .RequirePermission(Permission.Administer);
        channels.MapGet("/", ListAsync).WithName("ListAlertChannels").WithSummary("Where alerts are told to, in order of creation.")
            .ReadsConditionally().Refuses(400);
        channels.MapPost("/", CreateAsync).WithName("CreateAlertChannel").WithSummary("Adds a channel. It is told what happens from now on.")
            .AcceptIdempotencyKey().Refuses(400, 409, 415);
        channels.MapGet("/{id:guid}", GetAsync).WithName("GetAlertChannel").WithSummary("One channel, without its secret.")
            .ReadsConditionally().Refuses(404);
        channels.MapPut("/{id:guid}", ReplaceAsync).WithName("ReplaceAlertChannel").WithSummary("Replaces a channel; a secret that is not given stays.")
            .Accepts<ChannelRequest>(MediaTypes.Json).Refuses(400, 404, 412, 415, 428);
        channels.MapPatch("/{id:guid}", PatchAsync).WithName("PatchAlertChannel").WithSummary("Changes members of a channel (JSON merge patch).")
            .WithDescription("What is on its way already goes to the changed address at its next attempt. secret: null takes the secret away.")
            .Accepts<ChannelRequest>(MediaTypes.MergePatch, MediaTypes.Json).Refuses(400, 404, 412, 415, 428);
        channels.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteAlertChannel")
            .WithSummary("Deletes a channel. What has not been delivered to it is given up.").Refuses(400, 404, 412);
        channels.MapPost("/{id:guid}/test", DeliveryEndpoints.TestAsync).WithName("TestAlertChannel")
            .WithSummary("Sends a test to it now, once, and answers with what came of it.").Refuses(404);
        channels.MapGet("/{id:guid}/deliveries", DeliveryEndpoints.ListOfChannelAsync).WithName("ListDeliveriesOfChannel")
            .WithSummary("What was sent to it, the latest first; status=dead is what was given up.").ReadsConditionally().Refuses(400, 404);
        app.MapGet(AlertEndpoints.Route + "/{id:guid}/deliveries", DeliveryEndpoints.ListOfAlertAsync).WithName("ListDeliveriesOfAlert").WithTags("Alerts")
            .WithSummary("To whom an alert was told, the latest first, and every attempt.")
            .RequirePermission(Permission.Administer).ReadsConditionally().Refuses(400, 404);
    }

    private static async Task<Results<Read<Page<ChannelResponse>>, ProblemHttpResult>> ListAsync(
        int? limit, string? cursor, CityDb db, Cursors cursors, CancellationToken cancellationToken)
    {
        var (page, problem) = PageStart<IdKey>.From(cursors, new CursorScope(db.OrganizationId, Route), limit, cursor);
        if (page is null)
        {
            return problem!;
        }

        var channels = db.Set<AlertChannel>().AsNoTracking();
        channels = page.After is { } after ? channels.Where(c => c.Id > after.Id) : channels;
        var rows = await channels.OrderBy(c => c.Id).Take(page.Fetch).Select(c => ChannelResponse.Of(c)).ToListAsync(cancellationToken);
        return Answers.Read(page.ToPage(rows, c => new IdKey(c.Id)));
    }

    private static async Task<Results<Added<ChannelResponse>, ProblemHttpResult>> CreateAsync(
        ChannelRequest request, CityDb db, ChannelSecrets secrets, IOptions<ChannelOptions> options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var check = ChannelChecks.Check(request, options.Value.AllowPrivateTargets);
        if (!check.Failed)
        {
            await ChannelChecks.CheckBuildingsAsync(check, db, request, known: null, cancellationToken);
        }

        return check.Failed ? check.ToProblem() : await db.InTransactionAsync<Results<Added<ChannelResponse>, ProblemHttpResult>>(
            async token =>
            {
                // One after the other, so that two at a time do not both find room for one.
                await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtextextended({db.OrganizationId.ToString()}, 7210))", token);
                if (await db.Set<AlertChannel>().CountAsync(token) >= options.Value.MaxChannels)
                {
                    return Problems.Conflict($"The organisation has {options.Value.MaxChannels} channels, which is all that it may have.");
                }

                var channel = new AlertChannel { Id = Guid.CreateVersion7(clock.GetUtcNow()), Name = request.Name! };
                channel.Write(request, secrets, dropSecret: false);
                db.Add(channel);
                await db.SaveChangesAsync(token);
                return Answers.Created($"{Route}/{channel.Id}", ChannelResponse.Of(channel), ETags.Of(channel.Id, channel.Version));
            },
            cancellationToken);
    }

    private static async Task<Results<Read<ChannelResponse>, ProblemHttpResult>> GetAsync(Guid id, CityDb db, CancellationToken cancellationToken) =>
        await db.Set<AlertChannel>().AsNoTracking().Where(c => c.Id == id).Select(c => ChannelResponse.Of(c)).SingleOrDefaultAsync(cancellationToken) is { } channel
            ? Answers.Read(channel, channel.ETag())
            : NotFound();

    private static async Task<Answer> ReplaceAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, ChannelSecrets secrets, IOptions<ChannelOptions> options,
        CancellationToken cancellationToken)
    {
        var (request, problem) = await Bodies.ReadReplacementAsync<ChannelRequest>(http, ChannelChecks.ReadOnly, id);
        return request is null
            ? problem!
            : await ChangeAsync(db, secrets, options.Value, id, ifMatch, _ => new(request, null), dropSecret: false, cancellationToken);
    }

    private static async Task<Answer> PatchAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, HttpRequest http, CityDb db, ChannelSecrets secrets, IOptions<ChannelOptions> options,
        CancellationToken cancellationToken)
    {
        var (patch, problem) = await Bodies.ReadMergePatchAsync<ChannelRequest>(http);
        return patch is null
            ? problem!
            : await ChangeAsync(
                db, secrets, options.Value, id, ifMatch, c => MergePatch.Apply(ChannelChecks.ToRequest(c), patch, Json.Options(http.HttpContext)),
                dropSecret: patch.TryGetPropertyValue("secret", out var secret) && secret is null, cancellationToken);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, [FromHeader(Name = "If-Match")] string? ifMatch, CityDb db, CancellationToken cancellationToken) =>
        await db.InTransactionAsync<Results<NoContent, ProblemHttpResult>>(
            async token =>
            {
                if (await db.LockAsync<AlertChannel>(id, delete: true, token) is not { } channel)
                {
                    return NotFound();
                }

                if (Preconditions.Check(ifMatch, id, channel.Version) is { } refusal)
                {
                    return refusal;
                }

                db.Remove(channel);
                await db.SaveChangesAsync(token);
                return TypedResults.NoContent();
            },
            cancellationToken);

    private static Task<Answer> ChangeAsync(
        CityDb db, ChannelSecrets secrets, ChannelOptions options, Guid id, string? ifMatch, Func<AlertChannel, Parsed<ChannelRequest>> change, bool dropSecret,
        CancellationToken cancellationToken) =>
        db.InTransactionAsync<Answer>(
            async token =>
            {
                if (await db.LockAsync<AlertChannel>(id, delete: false, token) is not { } channel)
                {
                    return NotFound();
                }

                if (Preconditions.Require(ifMatch, id, channel.Version) is { } refusal)
                {
                    return refusal;
                }

                var (request, problem) = change(channel);
                if (request is null)
                {
                    return problem!;
                }

                var check = ChannelChecks.Check(request, options.AllowPrivateTargets);
                if (!check.Failed)
                {
                    await ChannelChecks.CheckBuildingsAsync(check, db, request, channel.BuildingIds, token);
                }

                if (check.Failed)
                {
                    return check.ToProblem();
                }

                channel.Write(request, secrets, dropSecret);
                await db.SaveChangesAsync(token);
                return Answers.Changed(ChannelResponse.Of(channel), ETags.Of(channel.Id, channel.Version));
            },
            cancellationToken);

    internal static ProblemHttpResult NotFound() => Problems.NotFound("channel");
}
