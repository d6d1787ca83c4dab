using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace CityPulse.Api.Events;

/// <param name="Type">Such as <c>swarm.step</c>.</param>
/// <param name="Topics">Whom it is told to: <c>swarm/{runId}</c>.</param>
/// <param name="Data">The event's data.</param>
public sealed record EventRequest(Guid OrganizationId, string Type, IReadOnlyList<string> Topics, JsonElement Data);

/// <summary>
/// Lets the other services tell events, <c>POST /internal/events</c>: 204 means that the event is in the outbox, will be told in its
/// order, and can be replayed. They tell of swarm runs only; everything else is Api's own to tell.
/// </summary>
internal static class EventEndpoint
{
    private const int MostTopics = 8;

    public static IEndpointRouteBuilder MapEvents(this IEndpointRouteBuilder app)
    {
        app.MapInternal().MapPost("/events", AppendAsync);
        return app;
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> AppendAsync(
        EventRequest request, NpgsqlDataSource source, Outbox outbox, OutboxSignal signal, CancellationToken cancellationToken)
    {
        if (request.OrganizationId == Guid.Empty)
        {
            return Problems.Validation("organizationId", "organizationId is required.");
        }

        if (!EventTypes.SwarmRun.Contains(request.Type ?? ""))
        {
            return Problems.Validation("type", $"type must be one of {string.Join(", ", EventTypes.SwarmRun.Order())}.");
        }

        if (request.Topics is not { Count: > 0 and <= MostTopics } topics || !topics.All(IsSwarmRun))
        {
            return Problems.Validation("topics", $"topics must be up to {MostTopics} such as swarm/<run id>.");
        }

        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await outbox.AppendAsync(connection, request.OrganizationId, request.Type!, [.. topics], request.Data, cancellationToken);
        signal.Ring();
        return TypedResults.NoContent();
    }

    private static bool IsSwarmRun(string? topic) =>
        topic?.Split('/') is ["swarm", var id] && Guid.TryParseExact(id, "D", out var run) && topic == Topics.SwarmRun(run);
}
