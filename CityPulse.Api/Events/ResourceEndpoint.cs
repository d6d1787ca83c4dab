using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace CityPulse.Api.Events;

/// <summary>
/// Tells Realtime which buildings and sensors an organisation has, <c>POST /internal/resources</c>: all that a client wants to follow in one
/// call, which counts against nobody's budget.
/// </summary>
internal static class ResourceEndpoint
{
    private const int Most = 10_000;

    public static IEndpointRouteBuilder MapResources(this IEndpointRouteBuilder app)
    {
        app.MapInternal().MapPost("/resources", FindAsync);
        return app;
    }

    private static async Task<Results<Ok<ResourcesResponse>, ProblemHttpResult>> FindAsync(
        ResourcesRequest request, NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        if (request is not { Buildings: { Count: <= Most } buildings, Sensors: { Count: <= Most } sensors })
        {
            return Problems.Validation("", $"Name buildings and sensors, at most {Most} of each.");
        }

        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        return TypedResults.Ok(new ResourcesResponse(
            await IdsAsync(connection, "buildings", request.OrganizationId, buildings, cancellationToken),
            await IdsAsync(connection, "sensors", request.OrganizationId, sensors, cancellationToken)));
    }

    private static async Task<IReadOnlyList<Guid>> IdsAsync(
        NpgsqlConnection connection, string table, Guid organizationId, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
        {
            return [];
        }

        await using var command = new NpgsqlCommand($"SELECT id FROM {table} WHERE organization_id = $1 AND id = ANY ($2)", connection)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = organizationId }, new NpgsqlParameter<Guid[]> { TypedValue = [.. ids] } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<Guid>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(reader.GetGuid(0));
        }

        return found;
    }
}
