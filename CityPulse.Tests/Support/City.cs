using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Shouldly;

namespace CityPulse.Tests.Support;

/// <summary>
/// A fresh organisation with its first admin, seen through the public API: what most HTTP tests start from.
/// <see cref="Client"/> carries the admin's token.
/// </summary>
internal sealed class City
{
    public const string Password = "correct horse battery staple";

    private City(HttpClient client, JsonElement session)
    {
        Client = client;
        AccessToken = session.GetProperty("accessToken").GetString()!;
        RefreshToken = session.TryGetProperty("refreshToken", out var refresh) ? refresh.GetString() : null;
        OrganizationId = session.GetProperty("user").GetProperty("organizationId").GetGuid();
        Email = session.GetProperty("user").GetProperty("email").GetString()!;
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AccessToken);
    }

    public HttpClient Client { get; }
    public string AccessToken { get; }
    public string? RefreshToken { get; }
    public Guid OrganizationId { get; }
    public string Email { get; }

    /// <param name="client">A client of the edge; it is given the new admin's token.</param>
    public static async Task<City> RegisterAsync(HttpClient client)
    {
        using var answer = await client.PostAsJsonAsync("/api/v1/auth/register", new
        {
            organizationName = $"City {Guid.NewGuid():N}",
            email = $"{Guid.NewGuid():N}@example.org",
            password = Password,
            displayName = "Ada Admin",
        });
        return new City(client, await answer.ReadAsync(HttpStatusCode.Created));
    }

    public async Task<Guid> CreateBuildingAsync(string name = "Town hall", string timeZone = "Europe/Berlin", object? more = null)
    {
        using var answer = await Client.PostAsJsonAsync("/api/v1/citypulse/buildings",
            Merge(new { name, use = "office", timeZone, floorAreaM2 = 1000.0 }, more));
        return (await answer.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
    }

    public async Task<Guid> CreateSensorAsync(Guid buildingId, string quantity = "electric_energy", string? externalId = null, object? more = null)
    {
        using var answer = await Client.PostAsJsonAsync("/api/v1/citypulse/sensors",
            Merge(new { buildingId, quantity, name = $"{quantity} of {externalId ?? "a sensor"}", externalId }, more));
        return (await answer.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
    }

    /// <summary>Stores readings and expects every one of them to be taken.</summary>
    public async Task<JsonElement> IngestAsync(string sensor, params IEnumerable<(DateTimeOffset At, double Value)> readings)
    {
        using var answer = await Client.PostAsJsonAsync("/api/v1/citypulse/sensors/readings",
            new { readings = readings.Select(r => new { sensor, at = r.At, value = r.Value }) });
        return await answer.ReadAsync(HttpStatusCode.OK);
    }

    private static Dictionary<string, object?> Merge(object basis, object? more) =>
        new[] { basis, more ?? new { } }
            .SelectMany(part => part.GetType().GetProperties().Select(p => (p.Name, Value: p.GetValue(part))))
            .Where(member => member.Value is not null)
            .GroupBy(member => member.Name)
            .ToDictionary(group => group.Key, group => group.Last().Value);
}

internal static class ResponseExtensions
{
    /// <summary>The JSON body, after checking the status; a surprise shows the whole body.</summary>
    public static async Task<JsonElement> ReadAsync(this HttpResponseMessage response, HttpStatusCode expected)
    {
        var body = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(expected, $"{response.RequestMessage?.Method} {response.RequestMessage?.RequestUri?.PathAndQuery}: {body}");
        return JsonElement.Parse(body);
    }

    /// <summary>Checks that a refusal is problem+json as the contract has it, and returns it.</summary>
    public static async Task<JsonElement> ReadProblemAsync(this HttpResponseMessage response, HttpStatusCode expected)
    {
        var problem = await response.ReadAsync(expected);
        response.Content.Headers.ContentType?.MediaType.ShouldBe("application/problem+json");
        foreach (var member in new[] { "type", "title", "detail", "instance", "errorId", "traceId" })
        {
            problem.TryGetProperty(member, out _).ShouldBeTrue($"the problem has no '{member}': {problem}");
        }

        problem.GetProperty("status").GetInt32().ShouldBe((int)expected);
        response.Headers.GetValues("X-Error-Id").ShouldHaveSingleItem().ShouldBe(problem.GetProperty("errorId").GetString());
        problem.ToString().ShouldNotContain("   at ");
        return problem;
    }
}
