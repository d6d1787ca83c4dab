using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api;

/// <summary>The Api with a database of its own, shared by the tests of a class; each test makes its own organisation.</summary>
public class CityApi(TestStores stores) : IAsyncLifetime
{
    private TestTokens _tokens = null!;
    private ApiHost _host = null!;

    public string ConnectionString => _host.ConnectionString;

    public IServiceProvider Services => _host.Services;

    public Uri BaseAddress => _host.BaseAddress;

    internal TestStores Stores => stores;

    /// <summary>Sessions that the Api may hold, shared half and half by requests and background work.</summary>
    internal int MaximumPoolSize { get; init; } = 20;

    private protected virtual Task<Started> GetAsync() => stores.SharedAsync(nameof(CityApi), StartAsync);

    public async ValueTask InitializeAsync() => (_host, _tokens) = await GetAsync();

    /// <summary>The shared one ends with the run.</summary>
    public virtual ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private protected async Task<Started> StartAsync()
    {
        var tokens = new TestTokens();
        var database = new NpgsqlConnectionStringBuilder(await ApiHost.CreateDatabaseAsync(stores)) { MaxPoolSize = MaximumPoolSize };
        var host = await ApiHost.StartAsync(
            stores, services: s => s.Replace(ServiceDescriptor.Singleton<IAccessTokenKeys>(tokens)), database: database.ConnectionString);
        await using var source = NpgsqlDataSource.Create(database.ConnectionString);
        await using var partition = source.CreateCommand("CREATE TABLE IF NOT EXISTS readings_of_tests PARTITION OF readings DEFAULT");
        await partition.ExecuteNonQueryAsync();
        return new Started(host, tokens);
    }

    /// <summary>A member of a new organisation, or a colleague in an existing one.</summary>
    internal async Task<Member> MemberAsync(Role role = Role.Admin, Guid? organization = null)
    {
        var organizationId = organization ?? Guid.CreateVersion7();
        if (organization is null)
        {
            await ExecuteAsync("INSERT INTO organizations (id, name, created_at) VALUES ($1, 'Test city', now())", organizationId);
        }

        var token = _tokens.Issue(role, change: t => t.Claims[CityClaims.Organization] = organizationId.ToString());
        var client = _host.CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new Member(client, organizationId);
    }

    internal HttpClient Stranger() => _host.CreateClient();

    /// <summary>Past ingest, and so without its event: kept answers must be told.</summary>
    internal async Task StoreReadingAsync(Guid sensorId, DateTimeOffset at, double value)
    {
        await ExecuteAsync("INSERT INTO readings (sensor_key, observed_at, value) SELECT key, $2, $3 FROM sensors WHERE id = $1", sensorId, at, value);
        await ExecuteAsync("SELECT answers_changed(organization_id) FROM sensors WHERE id = $1", sensorId);
    }

    internal async Task ExecuteAsync(string sql, params object[] parameters)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        await command.ExecuteNonQueryAsync();
    }

    internal async Task<T> ScalarAsync<T>(string sql, params object[] parameters)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        await using var command = source.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal Task<string> DumpAsync(Guid organizationId) => OrganizationDump.ReadAsync(ConnectionString, organizationId);

    /// <summary>Types of an organisation's events, in order of the outbox.</summary>
    internal Task<string[]> EventsAsync(Guid organizationId) => ScalarAsync<string[]>(
        "SELECT coalesce(array_agg(type ORDER BY id), '{}') FROM outbox WHERE organization_id = $1", organizationId);
}

internal sealed record Started(ApiHost Host, TestTokens Tokens) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        Tokens.Dispose();
    }
}

/// <summary>A <see cref="CityApi"/> of the caller's own, to do to the database what others should not see.</summary>
public sealed class OwnCityApi(TestStores stores) : CityApi(stores)
{
    private Started _own = null!;

    private protected override async Task<Started> GetAsync() => _own = await StartAsync();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _own.DisposeAsync();
    }
}

/// <summary>One caller. Bodies are JSON text, as a client would send them, or objects.</summary>
internal sealed record Member(HttpClient Client, Guid OrganizationId)
{
    public const string Buildings = "/api/v1/citypulse/buildings";
    public const string Sensors = "/api/v1/citypulse/sensors";

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, object? body = null, string contentType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body as string ?? JsonSerializer.Serialize(body, JsonSerializerOptions.Web), Encoding.UTF8);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        }

        return await Client.SendAsync(request);
    }

    public Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, headers: headers);

    public Task<HttpResponseMessage> PostAsync(string path, object body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body, headers: headers);

    public Task<HttpResponseMessage> PutAsync(string path, object body, string? ifMatch = "*") =>
        SendAsync(HttpMethod.Put, path, body, headers: IfMatch(ifMatch));

    public Task<HttpResponseMessage> PatchAsync(string path, object body, string? ifMatch = "*", string contentType = "application/merge-patch+json") =>
        SendAsync(HttpMethod.Patch, path, body, contentType, IfMatch(ifMatch));

    public Task<HttpResponseMessage> DeleteAsync(string path, string? ifMatch = null) =>
        SendAsync(HttpMethod.Delete, path, headers: IfMatch(ifMatch));

    public async Task<JsonElement> ReadAsync(string path) => await (await GetAsync(path)).ReadAsync(HttpStatusCode.OK);

    public async Task<Guid> AddBuildingAsync(object? body = null) =>
        (await (await PostAsync(Buildings, body ?? Valid.Building())).ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();

    public async Task<Guid> AddSensorAsync(Guid buildingId, object? more = null) =>
        (await (await PostAsync(Sensors, Valid.With(Valid.Sensor(buildingId), more))).ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();

    /// <summary>All items of a list, page by page.</summary>
    public async Task<List<JsonElement>> ReadAllAsync(string path, int limit = 500)
    {
        var all = new List<JsonElement>();
        string? cursor = null;
        do
        {
            var page = await ReadAsync($"{path}{(path.Contains('?') ? '&' : '?')}limit={limit}{(cursor is null ? "" : $"&cursor={cursor}")}");
            all.AddRange(page.GetProperty("items").EnumerateArray());
            cursor = page.GetProperty("nextCursor").GetString();
        }
        while (cursor is not null);
        return all;
    }

    private static (string, string)[] IfMatch(string? value) => value is null ? [] : [("If-Match", value)];
}

/// <summary>Bodies that the API accepts, to be spoilt by tests.</summary>
internal static class Valid
{
    public static Dictionary<string, object?> Building(string name = "Town hall") => new()
    {
        ["name"] = name, ["use"] = "office", ["timeZone"] = "Europe/Berlin", ["floorAreaM2"] = 1200.5,
    };

    public static Dictionary<string, object?> Sensor(Guid buildingId, string name = "Main meter") => new()
    {
        ["buildingId"] = buildingId, ["name"] = name, ["quantity"] = "electric_energy",
    };

    /// <summary>The body with members of <paramref name="more"/> added or replaced.</summary>
    public static Dictionary<string, object?> With(Dictionary<string, object?> body, object? more)
    {
        var result = new Dictionary<string, object?>(body);
        foreach (var property in more?.GetType().GetProperties() ?? [])
        {
            result[property.Name] = property.GetValue(more);
        }

        return result;
    }

    /// <summary>The body with one member given as JSON text; without text the member is left out.</summary>
    public static Dictionary<string, object?> With(Dictionary<string, object?> body, string member, string? json)
    {
        var result = new Dictionary<string, object?>(body);
        result.Remove(member);
        if (json is not null)
        {
            result[member] = JsonSerializer.Deserialize<JsonElement>(json);
        }

        return result;
    }
}
