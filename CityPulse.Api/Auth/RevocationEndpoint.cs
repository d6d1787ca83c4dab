using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Revocations;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.Api.Auth;

/// <summary>What was revoked since a point: <c>GET /internal/revocations</c>, between the services only.</summary>
internal static class RevocationEndpoint
{
    public static void MapRevocations(this IEndpointRouteBuilder app) => app.MapInternal().MapGet("/revocations", ReadAsync);

    private static async Task<Results<Ok<RevocationPage>, ProblemHttpResult>> ReadAsync(
        long since, IRevocationSource revocations, CancellationToken cancellationToken)
    {
        try
        {
            return TypedResults.Ok(await revocations.ReadAsync(since, cancellationToken));
        }
        catch (RevocationsUnavailableException e)
        {
            return Problems.Of(StatusCodes.Status503ServiceUnavailable, e.Message);
        }
    }
}
