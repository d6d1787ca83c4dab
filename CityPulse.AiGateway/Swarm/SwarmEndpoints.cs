using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Description;
using CityPulse.AiGateway.Http;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Swarm.Domain;
using CityPulse.AiGateway.Tools;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Json;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.Net.Http.Headers;

namespace CityPulse.AiGateway.Swarm;

internal static class SwarmEndpoints
{
    private const string Root = "/api/v1/swarm";
    private const string KeyHeader = "Idempotency-Key";
    private const string LastEventId = "Last-Event-ID";
    private const int LongestKey = 255;

    public static WebApplicationBuilder AddSwarm(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<SwarmOptions>().BindConfiguration(SwarmOptions.Section)
            .Configure<IConfiguration>((options, configuration) => options.Secret = configuration[SwarmOptions.SecretKey])
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<SwarmOptions>, SwarmOptionsValidator>();
        services.AddSingleton<RunSeal>();
        services.AddSingleton(provider => new PageCursors(provider.GetRequiredService<IOptions<SwarmOptions>>().Value.Secret!));
        services.AddSingleton<RunSignals>();
        services.AddSingleton<RunStore>();
        services.AddSingleton<RunLedger>();
        services.AddSingleton<AgentTurn>();
        services.AddSingleton<RunExecution>();
        services.AddHostedService<SwarmWorker>();
        services.AddMeasures<RunQueueMetrics>();
        services.AddHostedService<RunQueueWatch>();
        services.AddHttpClient(RunTeller.ClientName, client => client.BaseAddress = new Uri("http://_internal.api")).AddInternalKey();
        services.AddHostedService<RunTeller>();
        return builder;
    }

    public static IEndpointRouteBuilder MapSwarm(this IEndpointRouteBuilder app)
    {
        var swarm = app.MapGroup(Root).WithTags("Swarm");
        swarm.MapPost("/orchestrate", OrchestrateAsync).RequirePermission(Permission.RunSwarm)
            .WithName("Orchestrate").WithSummary("Starts a group of agents on a goal; answers at once, or with the run's events.")
            .Produces<RunAccepted>(StatusCodes.Status202Accepted).Produces(StatusCodes.Status200OK, contentType: TurnStream.ContentType)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .DescribesHeader(KeyHeader, "Makes the call safe to repeat: the same key and body give the first run again.")
            .AnswersWithHeader("202", "Location", "Of the run.");
        var runs = swarm.MapGroup("/runs");
        runs.MapGet("/", ListAsync).RequirePermission(Permission.ReadSwarm)
            .WithName("ListRuns").WithSummary("The organisation's runs, newest first.")
            .Produces<RunPage>().ProducesProblem(StatusCodes.Status400BadRequest);
        runs.MapGet("/{id:guid}", GetAsync).RequirePermission(Permission.ReadSwarm)
            .WithName("GetRun").WithSummary("A run with its steps, its result and what it cost.")
            .Produces<RunResponse>().ProducesProblem(StatusCodes.Status404NotFound);
        runs.MapPost("/{id:guid}/cancel", CancelAsync).RequirePermission(Permission.RunSwarm)
            .WithName("CancelRun").WithSummary("Ends a run that has not ended yet.")
            .Produces<RunItem>().ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict);
        runs.MapGet("/{id:guid}/events", EventsAsync).RequirePermission(Permission.ReadSwarm)
            .WithName("ReadRunEvents").WithSummary("The run's events from the first one on, or from after Last-Event-ID; ends with the run.")
            .Produces(StatusCodes.Status200OK, contentType: TurnStream.ContentType)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .DescribesHeader(LastEventId, "The id of the last event that arrived; the rest is sent.");
        return app;
    }

    private static async Task<IResult> OrchestrateAsync(
        OrchestrateRequest request, HttpContext context, RunStore store, RunSeal seal, RunSignals signals, ModelCatalogue catalogue, CityApi api, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var known = new CityTools(api).All().Select(t => t.Name).ToHashSet(StringComparer.Ordinal);
        var (plan, errors) = OrchestrateCheck.Read(request, catalogue, known);
        if (plan is null)
        {
            return Problems.Validation(errors);
        }

        string? key = context.Request.Headers[KeyHeader];
        if (key is not null && (key.Length is 0 or > LongestKey || key.Any(char.IsControl)))
        {
            return Problems.Of(StatusCodes.Status400BadRequest, $"{KeyHeader} must have 1 to {LongestKey} characters.");
        }

        var (caller, token) = (context.User.GetCaller(), context.Request.Headers.Authorization.ToString());
        var id = Guid.CreateVersion7(time.GetUtcNow());
        var frontend = context.GetFrontend() is { } used ? FrontendNames.Of(used) : null;
        var hash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request with { Stream = null }, JsonDefaults.Options));
        var run = new NewRun(id, request.Goal!, plan, seal.Seal(id, token), ExpiryOf(token), frontend, key, hash);
        var (admission, runId) = await store.QueueAsync(run, caller, cancellationToken);
        if (admission == Admission.KeyTaken)
        {
            return Problems.Of(StatusCodes.Status422UnprocessableEntity, $"This {KeyHeader} was used for another request.");
        }

        signals.Ring();
        if (admission == Admission.Replayed)
        {
            context.Response.Headers["Idempotency-Replayed"] = "true";
        }

        var location = $"{Root}/runs/{runId:D}";
        if (request.Stream == true || AcceptsEvents(context.Request))
        {
            context.Response.Headers.Location = location;
            return new RunEventStream(runId, caller.OrganizationId, after: 0);
        }

        return TypedResults.Accepted(location, new RunAccepted(runId, RunStatus.Queued));
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, RunStore store, PageCursors cursors, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (limit is < 1 or > 500)
        {
            return Problems.Validation("limit", "limit must be from 1 to 500.");
        }

        var organization = context.User.GetCaller().OrganizationId;
        Guid? after = null;
        if (cursor is not null && (after = cursors.Open(organization, cursor)) is null)
        {
            return Problems.Validation("cursor", "cursor must be a nextCursor of this list.");
        }

        var count = limit ?? 50;
        var items = await store.ListAsync(organization, after, count + 1, cancellationToken);
        return TypedResults.Ok(items.Count > count
            ? new RunPage(items[..count], cursors.Seal(organization, items[count - 1].Id))
            : new RunPage(items, null));
    }

    private static async Task<IResult> GetAsync(Guid id, HttpContext context, RunStore store, CancellationToken cancellationToken) =>
        await store.FindAsync(id, context.User.GetCaller().OrganizationId, cancellationToken) is { } run ? TypedResults.Ok(run) : Problems.NotFound("run");

    private static async Task<IResult> CancelAsync(Guid id, HttpContext context, RunStore store, RunSignals signals, CancellationToken cancellationToken)
    {
        if (await store.CancelAsync(id, context.User.GetCaller().OrganizationId, cancellationToken) is not var (run, done))
        {
            return Problems.NotFound("run");
        }

        if (!done)
        {
            return Problems.Conflict($"The run is {RunLifecycle.Name(run.Status)}; only a queued or running one can be cancelled.");
        }

        signals.Stop(id);
        return TypedResults.Ok(run);
    }

    private static async Task<IResult> EventsAsync(Guid id, HttpContext context, RunStore store, CancellationToken cancellationToken)
    {
        var after = 0L;
        if (context.Request.Headers[LastEventId].ToString() is { Length: > 0 } last
            && !long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            return Problems.Validation(LastEventId, $"{LastEventId} must be the id of an event of this run.");
        }

        var organization = context.User.GetCaller().OrganizationId;
        return await store.EventsAsync(id, organization, after, count: 0, cancellationToken) is null ? Problems.NotFound("run") : new RunEventStream(id, organization, after);
    }

    /// <summary>The token has been verified; here it is only read.</summary>
    private static DateTimeOffset ExpiryOf(string authorization) =>
        new(new JsonWebToken(authorization[(authorization.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim()).ValidTo, TimeSpan.Zero);

    private static bool AcceptsEvents(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
        && accepted.Any(a => a.Quality is not 0 && a.MediaType.Equals(TurnStream.ContentType, StringComparison.OrdinalIgnoreCase));
}
