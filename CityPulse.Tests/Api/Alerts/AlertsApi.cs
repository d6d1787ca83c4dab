using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Alerts;

/// <summary>Two replicas of the Api on one database, with a clock that tests can set forward. Each test makes its own organisation.</summary>
public sealed class AlertsApi(TestStores stores) : IAsyncLifetime
{
    public const string Route = "/api/v1/citypulse/alerts";
    public const string Rules = Route + "/rules";

    /// <summary>For a host whose clock is set by its test, and judged by.</summary>
    internal const string ClockMaySaySo = "31622400";

    private readonly TestTokens _tokens = new();
    private readonly List<ApiHost> _hosts = [];

    internal ShiftedClock Clock { get; } = new();

    internal NpgsqlDataSource Database { get; private set; } = null!;

    internal IReadOnlyList<ApiHost> Hosts => _hosts;

    public async ValueTask InitializeAsync()
    {
        for (var replica = 0; replica < 2; replica++)
        {
            _hosts.Add(await ApiHost.StartAsync(
                stores,
                settings: new Dictionary<string, string?> { ["RATE_LIMITING_ENABLED"] = "false", ["Alerts:TickSeconds"] = "0.1", ["Alerts:ClockToleranceSeconds"] = ClockMaySaySo, ["Alerts:Channels:AllowPrivateTargets"] = "true", ["Alerts:Channels:FirstRetrySeconds"] = "0.1" },
                services: s => s.Replace(ServiceDescriptor.Singleton<IAccessTokenKeys>(_tokens)).Replace(ServiceDescriptor.Singleton<TimeProvider>(Clock)),
                database: _hosts.FirstOrDefault()?.ConnectionString));
        }

        Database = NpgsqlDataSource.Create(_hosts[0].ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        foreach (var host in _hosts)
        {
            await host.DisposeAsync();
        }

        _tokens.Dispose();
    }

    /// <summary>A member of a new organisation, or a colleague in an existing one, on one of the replicas.</summary>
    internal async Task<Member> MemberAsync(Role role = Role.Admin, Guid? organization = null, int replica = 0)
    {
        var organizationId = organization ?? Guid.CreateVersion7();
        if (organization is null)
        {
            await ExecuteAsync("INSERT INTO organizations (id, name, created_at) VALUES ($1, 'Test city', now())", organizationId);
        }

        var token = _tokens.Issue(role, change: t =>
        {
            t.Claims[CityClaims.Organization] = organizationId.ToString();
            t.Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddDays(30);
        });
        var client = _hosts[replica].CreateClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return new Member(client, organizationId);
    }

    /// <summary>A new organisation with a building and a thermometer of one reading a minute.</summary>
    internal async Task<(Member Member, Guid Building, Guid Sensor)> WithSensorAsync(Role role = Role.Admin)
    {
        var member = await MemberAsync(role);
        var building = await member.AddBuildingAsync();
        return (member, building, await AddSensorAsync(member, building));
    }

    internal static Task<Guid> AddSensorAsync(Member member, Guid building, object? more = null) => member.AddSensorAsync(
        building, more ?? new { quantity = "temperature", intervalSeconds = 60 });

    internal static Dictionary<string, object?> Rule(Guid sensor, object? condition = null, object? more = null) => Valid.With(
        new Dictionary<string, object?>
        {
            ["name"] = "Too warm", ["scope"] = new { sensorId = sensor }, ["severity"] = "warning",
            ["condition"] = condition ?? new Dictionary<string, object> { ["type"] = "threshold", ["operator"] = ">", ["value"] = 30 },
        },
        more);

    internal static async Task<JsonElement> AddRuleAsync(Member member, Guid sensor, object? condition = null, object? more = null) =>
        await (await member.PostAsync(Rules, Rule(sensor, condition, more))).ReadAsync(HttpStatusCode.Created);

    internal static async Task IngestAsync(Member member, Guid sensor, params IEnumerable<(DateTimeOffset At, double Value)> readings) =>
        await (await member.PostAsync(Member.Sensors + "/readings", new { readings = readings.Select(r => new { sensor, at = r.At, value = r.Value }) }))
            .ReadAsync(HttpStatusCode.OK);

    /// <summary>Waits until all that was stored is judged.</summary>
    internal Task JudgedAsync(Member member) => Eventually.TrueAsync(
        async () => await ScalarAsync<long>("SELECT count(*) FROM alert_work WHERE organization_id = $1", member.OrganizationId) == 0,
        "all work is judged");

    /// <summary>All alerts, the earliest first.</summary>
    internal async Task<List<JsonElement>> AlertsAsync(Member member, string query = "")
    {
        await JudgedAsync(member);
        var alerts = await member.ReadAllAsync(Route + query);
        alerts.Reverse();
        return alerts;
    }

    /// <summary>One alert, when there is exactly one and it is in this state.</summary>
    internal async Task<JsonElement> SingleAsync(Member member, string state, string query = "")
    {
        await Eventually.TrueAsync(
            async () => (await AlertsAsync(member, query)) is [var only] && only.GetProperty("state").GetString() == state, $"there is one alert, {state}");
        return (await AlertsAsync(member, query)).ShouldHaveSingleItem();
    }

    internal static async Task<string[]> HistoryAsync(Member member, JsonElement alert) =>
        [.. (await member.ReadAsync($"{Route}/{alert.GetProperty("id").GetGuid()}")).GetProperty("history").EnumerateArray()
            .Select(e => e.GetProperty("action").GetString()!)];

    /// <summary>An organisation's alert events, in order.</summary>
    internal Task<string[]> EventsAsync(Member member) => ScalarAsync<string[]>(
        "SELECT coalesce(array_agg(type ORDER BY id), '{}') FROM outbox WHERE organization_id = $1 AND type LIKE 'alert.%'", member.OrganizationId);

    internal async Task ExecuteAsync(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        await command.ExecuteNonQueryAsync();
    }

    internal async Task<T> ScalarAsync<T>(string sql, params object[] parameters)
    {
        await using var command = Command(sql, parameters);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    private NpgsqlCommand Command(string sql, object[] parameters)
    {
        var command = Database.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return command;
    }
}

/// <summary>One pair of replicas for all of these tests: each has pools of its own, and the database's sessions are counted.</summary>
[CollectionDefinition(nameof(AlertsApi))]
public sealed class AlertsApiTests : ICollectionFixture<AlertsApi>;

internal static class AlertAssertions
{
    public static string? State(this JsonElement alert) => alert.GetProperty("state").GetString();

    public static DateTimeOffset? Time(this JsonElement alert, string member) =>
        alert.GetProperty(member) is { ValueKind: not JsonValueKind.Null } time ? time.GetDateTimeOffset() : null;
}
