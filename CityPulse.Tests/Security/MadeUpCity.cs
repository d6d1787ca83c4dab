using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using CityPulse.Tests.Support;
using Npgsql;

namespace CityPulse.Tests.Security;

/// <summary>
/// An organisation with one resource of every kind that the served document knows, made through the public API from the bodies below. Tests that
/// walk the document ask it for ids and for bodies that are accepted; for a kind or call that it does not know it fails, so that somebody adds
/// it here.
/// </summary>
internal sealed class MadeUpCity
{
    private const string Prefix = "/api/v1/citypulse";

    /// <summary>The kinds that a <c>POST</c> makes, in their order: a body may name ids of those before it.</summary>
    private static readonly (string Kind, string Collection)[] Made =
    [
        ("building", $"{Prefix}/buildings"), ("sensor", $"{Prefix}/sensors"), ("tariff", $"{Prefix}/energy/tariffs"), ("factor", $"{Prefix}/energy/factors"),
        ("rule", $"{Prefix}/alerts/rules"), ("channel", $"{Prefix}/alerts/channels"), ("device key", $"{Prefix}/device-keys"),
    ];

    /// <summary>Which kind a path's collection holds.</summary>
    private static readonly Dictionary<string, string> Kinds = Made.ToDictionary(m => m.Collection, m => m.Kind)
        .Append(new("/api/v1/users", "user")).Append(new($"{Prefix}/quarantine", "quarantined")).Append(new($"{Prefix}/alerts", "alert")).ToDictionary();

    /// <summary>Which kind a parameter or member of this name holds.</summary>
    private static readonly Dictionary<string, string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["buildingId"] = "building", ["buildingIds[]"] = "building", ["sensorId"] = "sensor", ["sensorIds[]"] = "sensor", ["sensor"] = "sensor", ["a"] = "sensor", ["b"] = "sensor",
        ["temperatureSensorId"] = "thermometer", ["tariffId"] = "tariff", ["ruleId"] = "rule", ["alertId"] = "alert", ["userId"] = "user", ["organizationId"] = "organization",
    };

    private readonly Dictionary<string, Guid> _ids = [];

    private MadeUpCity(City city) => City = city;

    public City City { get; }

    public IReadOnlyCollection<Guid> Ids => _ids.Values;

    public static async Task<MadeUpCity> MakeAsync(HttpClient client, ApiDocument document, string connectionString)
    {
        var city = new MadeUpCity(await City.RegisterAsync(client));
        city._ids["organization"] = city.City.OrganizationId;
        var known = document.Operations.Where(o => o.Method == "POST").Select(o => o.Path).ToHashSet();
        foreach (var (kind, collection) in Made.Where(m => known.Contains(m.Collection)))
        {
            using var answer = await client.PostAsJsonAsync(collection, city.Body($"POST {collection}"));
            city._ids[kind] = (await answer.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid();
        }

        city._ids["thermometer"] = await city.City.CreateSensorAsync(city.Id("building"), "temperature");
        using var me = await client.GetAsync("/api/v1/auth/me");
        city._ids["user"] = (await me.ReadAsync(HttpStatusCode.OK)).GetProperty("user").GetProperty("id").GetGuid();
        await city.City.IngestAsync("meter", (new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), 1));
        await city.InsertAsync(connectionString, "quarantined", "quarantined_readings", """
            (id, organization_id, sensor_id, observed_at, value, quality, detail, state, created_at, updated_at, version)
            VALUES (@id, @organization, @sensor, '2026-01-01T01:00:00Z', 1e9, 0, 'too much', 'held', now(), now(), 1)
            """);
        await city.InsertAsync(connectionString, "alert", "alerts", """
            (id, organization_id, created_at, updated_at, version, rule_id, revision, subject_id, sensor_id, building_id, severity, state, is_active,
             is_acknowledged, is_settled, is_detached, is_withdrawn, value, threshold, message, raised_at, occurrences)
            VALUES (@id, @organization, now(), now(), 1, @rule, 1, @sensor, @sensor, @building, 'warning', 'unacknowledged', true,
             false, false, false, false, 2, 1, 'too much', '2026-01-01T00:00:00Z', 1)
            """);
        return city;
    }

    public Guid Id(string kind) => _ids[kind];

    public bool Has(string kind) => _ids.ContainsKey(kind);

    /// <summary>The kind of the id in a path like <c>/api/v1/citypulse/sensors/{id}/readings</c>.</summary>
    public static string KindOfPath(string path, string parameter)
    {
        var collection = path[..path.IndexOf($"/{{{parameter}}}", StringComparison.Ordinal)];
        return Kinds.GetValueOrDefault(collection)
            ?? throw new InvalidOperationException($"What is kept at {collection} is unknown here: add the kind to {nameof(MadeUpCity)}, so that its ids are tried by strangers.");
    }

    public static string KindOfName(string name) => Names.GetValueOrDefault(name.Split('.')[^1])
        ?? throw new InvalidOperationException($"What '{name}' names is unknown here: add it to {nameof(MadeUpCity)}, so that foreign ids are tried in it.");

    /// <summary>A body that the call accepts.</summary>
    public JsonObject Body(string call) => JsonSerializer.SerializeToNode(Known(call.Replace(Prefix, "", StringComparison.Ordinal)), JsonSerializerOptions.Web)!.AsObject();

    /// <summary>A body that nothing made before stands in the way of.</summary>
    public JsonObject FreshBody(string call)
    {
        var body = Body(call);
        foreach (var name in (string[])["externalId", "name", "region"])
        {
            if (body[name] is not null)
            {
                body[name] = $"{name} {Guid.NewGuid():N}";
            }
        }

        return body;
    }

    /// <summary>What the query needs for the call to be accepted, beside its ids.</summary>
    public static string Query(string call) => call.Replace(Prefix, "", StringComparison.Ordinal) switch
    {
        // Of a building, without which there is none.
        "GET /energy/baseline" => "baselineFrom=2025-01-01T00:00:00Z&baselineTo=2026-01-01T00:00:00Z&reportFrom=2026-01-01T00:00:00Z&reportTo=2026-02-01T00:00:00Z",
        var get when get.StartsWith("GET /energy", StringComparison.Ordinal) || get.StartsWith("GET /analytics", StringComparison.Ordinal)
            || get == "GET /alerts/statistics" =>
            "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
        _ => "",
    };

    /// <summary>Ids that a call cannot do without, though the document lets them be left out.</summary>
    public static bool Wants(string call, string parameter) => (call.Replace(Prefix, "", StringComparison.Ordinal), parameter) is
        ("GET /energy/baseline" or "GET /energy/forecast" or "GET /analytics/data-quality", "buildingId")
        or ("GET /analytics/anomalies" or "GET /analytics/forecast", "sensorId")
        or ("GET /analytics/correlation", "a" or "b");

    private object Known(string call) => call switch
    {
        "POST /buildings" or "PUT /buildings/{id}" => new { name = "Town hall", use = "office", timeZone = "Europe/Berlin", floorAreaM2 = 1200 },
        "POST /sensors" or "PUT /sensors/{id}" => new { buildingId = Id("building"), name = "Main meter", quantity = "electric_energy", externalId = "meter" },
        "PATCH /buildings/{id}" or "PATCH /sensors/{id}" or "PATCH /energy/tariffs/{id}" or "PATCH /alerts/rules/{id}" or "PATCH /alerts/channels/{id}" => new { name = "Renamed" },
        "POST /sensors/readings" => new { readings = new[] { new { sensor = Id("sensor"), at = "2026-01-01T00:00:00Z", value = 1 } } },
        "PUT /settings/retention" => new { months = 24 },
        "POST /energy/tariffs" or "PUT /energy/tariffs/{id}" => new { name = "Day", currency = "EUR", energyRates = new[] { new { pricePerKwh = 0.3 } } },
        "POST /energy/factors" or "PUT /energy/factors/{id}" => new { region = "DE", year = 2026, method = "location", source = "A test", kgPerKwh = 0.4 },
        "PATCH /energy/factors/{id}" => new { source = "Another" },
        "POST /alerts/rules" or "PUT /alerts/rules/{id}" => Rule(),
        "POST /alerts/rules/preview" => new { rule = Rule(), from = "2026-01-01T00:00:00Z", to = "2026-01-02T00:00:00Z" },
        "POST /alerts/channels" or "PUT /alerts/channels/{id}" => new { name = "Hook", type = "webhook", url = "https://example.org/hook", minSeverity = "info" },
        "POST /alerts/{id}/acknowledge" or "POST /alerts/{id}/comment" or "POST /alerts/{id}/unshelve" or "POST /alerts/{id}/close" => new { comment = "Seen" },
        "POST /alerts/{id}/shelve" => new { minutes = 10, reason = "Known" },
        "POST /device-keys" => new { name = "Box", buildingIds = new[] { Id("building") } },
        "POST /analytics/query" => new { metric = "count", from = "2026-01-01T00:00:00Z", to = "2026-01-02T00:00:00Z" },
        "POST /api/v1/users" => new { email = $"{Guid.NewGuid():N}@example.org", displayName = "Grace", role = "User", password = City.Password },
        "PATCH /api/v1/users/{id}" => new { displayName = "Renamed" },
        "POST /api/v1/auth/register" => new { organizationName = "Another", email = $"{Guid.NewGuid():N}@example.org", displayName = "Grace", password = City.Password },
        "POST /api/v1/auth/login" => new { email = City.Email, password = City.Password },
        "POST /api/v1/auth/refresh" => new { refreshToken = "made up" },
        "POST /api/v1/auth/switch" => new { organizationId = Id("organization") },
        _ => throw new InvalidOperationException($"No body is known for {call}: add one to {nameof(MadeUpCity)}, so that foreign ids and malformed bodies are tried on it."),
    };

    private object Rule() => new
    {
        name = "Too much", scope = new { buildingId = Id("building") }, condition = new Dictionary<string, object> { ["type"] = "threshold", ["operator"] = ">", ["value"] = 1e6 }, severity = "warning",
    };

    /// <summary>What only the service itself makes.</summary>
    private async Task InsertAsync(string connectionString, string kind, string table, string insert)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using (var exists = source.CreateCommand($"SELECT to_regclass('{table}') IS NOT NULL"))
        {
            if (await exists.ExecuteScalarAsync() is not true)
            {
                return;
            }
        }

        var id = _ids[kind] = Guid.CreateVersion7();
        await using var command = source.CreateCommand($"INSERT INTO {table} {insert}");
        foreach (var (name, value) in _ids.Where(i => !i.Key.Contains(' ')).Append(new("id", id)))
        {
            command.Parameters.AddWithValue(name, value);
        }

        await command.ExecuteNonQueryAsync();
    }
}
