using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Npgsql;

namespace CityPulse.Tests.Api.Readings;

/// <summary>The Api with a database of its own for the tests of one class; each test registers its own organisation.</summary>
public class ReadingsApi(TestStores stores) : IAsyncLifetime
{
    public const string Ingest = "/api/v1/citypulse/sensors/readings";

    internal static readonly Dictionary<string, string?> Unlimited = new() { ["RATE_LIMITING_ENABLED"] = "false" };

    internal TestStores Stores => stores;

    internal ApiHost Host { get; private set; } = null!;

    internal NpgsqlDataSource Database { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await GetAsync();
        Database = NpgsqlDataSource.Create(Host.ConnectionString);
    }

    /// <summary>The shared Api ends with the run.</summary>
    public virtual ValueTask DisposeAsync() => Database.DisposeAsync();

    private protected virtual Task<ApiHost> GetAsync() => ApiHost.SharedAsync(stores);

    internal Task<City> RegisterAsync() => City.RegisterAsync(Host.CreateClient());

    /// <summary>An organisation with one sensor, <c>meter</c>.</summary>
    internal async Task<(City City, Guid Building, Guid Sensor)> WithMeterAsync(string timeZone = "Europe/Berlin", object? more = null)
    {
        var city = await RegisterAsync();
        var building = await city.CreateBuildingAsync(timeZone: timeZone);
        return (city, building, await city.CreateSensorAsync(building, "temperature", "meter", more));
    }

    /// <summary>What is stored of a sensor, in order of time.</summary>
    internal async Task<List<(DateTime At, double Value, short Quality)>> StoredAsync(Guid sensorId)
    {
        await using var command = Database.CreateCommand("""
            SELECT observed_at, value, quality FROM readings WHERE sensor_key = (SELECT key FROM sensors WHERE id = $1) ORDER BY observed_at
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = sensorId });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<(DateTime, double, short)>();
        while (await reader.ReadAsync())
        {
            rows.Add((reader.GetDateTime(0), reader.GetDouble(1), reader.GetInt16(2)));
        }

        return rows;
    }

    internal async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal static Task<HttpResponseMessage> PostAsync(City city, string body, string contentType = "application/json", bool gzip = false) =>
        PostAsync(city, Encoding.UTF8.GetBytes(body), contentType, gzip ? "gzip" : null);

    internal static async Task<HttpResponseMessage> PostAsync(City city, byte[] body, string? contentType, string? coding)
    {
        using var content = new ByteArrayContent(coding == "gzip" ? Zip(body) : body);
        content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        if (coding is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        }

        return await city.Client.PostAsync(Ingest, content);
    }

    internal static string Json(params IEnumerable<(string Sensor, string At, double Value)> rows) =>
        JsonSerializer.Serialize(new { readings = rows.Select(r => new { sensor = r.Sensor, at = r.At, value = r.Value }) });

    internal static (int Accepted, int Updated, int Duplicates, int Rejected) Counts(JsonElement answer) => (
        answer.GetProperty("accepted").GetInt32(), answer.GetProperty("updated").GetInt32(),
        answer.GetProperty("duplicates").GetInt32(), answer.GetProperty("rejected").GetInt32());

    internal static byte[] Zip(byte[] bytes)
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return zipped.ToArray();
    }
}

/// <summary>A <see cref="ReadingsApi"/> of the caller's own, to do to the database what others should not see.</summary>
public sealed class OwnReadingsApi(TestStores stores) : ReadingsApi(stores)
{
    private protected override Task<ApiHost> GetAsync() => ApiHost.StartAsync(Stores, settings: Unlimited);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Host.DisposeAsync();
    }
}
