using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Shouldly;

namespace CityPulse.Tests.Samples;

/// <summary>The few calls that the loader makes, kept in memory, with faults on order.</summary>
internal sealed class FakeCityServer : HttpMessageHandler
{
    private readonly Lock _lock = new();
    private int _ingests;

    public JsonArray Buildings { get; } = [];

    public JsonArray Sensors { get; } = [];

    public Dictionary<(string Sensor, DateTimeOffset At), double> Readings { get; } = [];

    public int Duplicates { get; private set; }

    public int Logins { get; private set; }

    public int Refreshes { get; private set; }

    /// <summary>Answers the ingest of this number, from 1, instead of storing; null stores.</summary>
    public Func<int, HttpStatusCode?> IngestFault { get; set; } = _ => null;

    /// <summary>A sensor whose readings are refused, as if it had been deleted.</summary>
    public string? RefusedSensor { get; set; }

    /// <summary>The token that is taken; another one is 401.</summary>
    public string Token { get; set; } = "token-0";

    public DateTimeOffset[] TimesOf(string sensor)
    {
        lock (_lock)
        {
            return [.. Readings.Keys.Where(key => key.Sensor == sensor).Select(key => key.At)];
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancel);
        lock (_lock)
        {
            var response = Answer(request, body);
            response.RequestMessage = request;
            return response;
        }
    }

    private HttpResponseMessage Answer(HttpRequestMessage request, byte[] body)
    {
        var path = request.RequestUri!.AbsolutePath;
        if (path is "/api/v1/auth/login" or "/api/v1/auth/refresh")
        {
            Logins += path.EndsWith("login", StringComparison.Ordinal) ? 1 : 0;
            Refreshes += path.EndsWith("refresh", StringComparison.Ordinal) ? 1 : 0;
            return Ok(new JsonObject { ["accessToken"] = Token, ["expiresIn"] = 900, ["refreshToken"] = "refresh" });
        }

        if (request.Headers.Authorization?.Parameter != Token)
        {
            return new HttpResponseMessage(HttpStatusCode.Unauthorized);
        }

        return (request.Method.Method, path) switch
        {
            ("GET", "/api/v1/citypulse/buildings") => Page(Buildings),
            ("GET", "/api/v1/citypulse/sensors") => Page(Sensors),
            ("GET", "/api/v1/citypulse/readings/latest") => Page(Latest()),
            ("POST", "/api/v1/citypulse/buildings") => Create(Buildings, body),
            ("POST", "/api/v1/citypulse/sensors") => Create(Sensors, body),
            ("POST", "/api/v1/citypulse/sensors/readings") => Ingest(body),
            _ => new HttpResponseMessage(HttpStatusCode.NotFound),
        };
    }

    private HttpResponseMessage Ingest(byte[] body)
    {
        if (IngestFault(++_ingests) is { } fault)
        {
            // No waiting in tests: the server asks for none.
            return new HttpResponseMessage(fault) { Headers = { RetryAfter = new RetryConditionHeaderValue(TimeSpan.Zero) } };
        }

        using var reader = new StreamReader(new GZipStream(new MemoryStream(body), CompressionMode.Decompress));
        reader.ReadLine().ShouldBe("sensor,at,value");
        var accepted = 0;
        var errors = new JsonArray();
        while (reader.ReadLine() is { } line)
        {
            var fields = line.Split(',');
            var at = DateTimeOffset.Parse(fields[1], CultureInfo.InvariantCulture);
            if (fields[0] == RefusedSensor)
            {
                errors.Add(new JsonObject { ["index"] = 0, ["sensor"] = fields[0], ["code"] = "unknown_sensor", ["detail"] = "There is no such sensor." });
            }
            else if (Readings.TryAdd((fields[0], at), double.Parse(fields[2], CultureInfo.InvariantCulture)))
            {
                accepted++;
            }
            else
            {
                Duplicates++;
            }
        }

        return Ok(new JsonObject { ["accepted"] = accepted, ["updated"] = 0, ["duplicates"] = 0, ["rejected"] = errors.Count, ["errors"] = errors });
    }

    private JsonArray Latest()
    {
        var latest = Readings.Keys.GroupBy(key => key.Sensor).ToDictionary(group => group.Key, group => group.Max(key => key.At));
        return
        [
            .. Sensors.Where(sensor => latest.ContainsKey((string)sensor!["externalId"]!)).Select(sensor => new JsonObject
            {
                ["sensorId"] = (string)sensor!["id"]!,
                ["at"] = latest[(string)sensor["externalId"]!],
                ["value"] = 0,
            }),
        ];
    }

    private static HttpResponseMessage Create(JsonArray items, byte[] body)
    {
        var item = JsonNode.Parse(body)!.AsObject();
        item["id"] = Guid.CreateVersion7().ToString();
        items.Add(item);
        return Ok(item.DeepClone());
    }

    private static HttpResponseMessage Page(JsonArray items) => Ok(new JsonObject { ["items"] = items.DeepClone(), ["nextCursor"] = null });

    private static HttpResponseMessage Ok(JsonNode answer) => new(HttpStatusCode.OK) { Content = JsonContent.Create(answer) };
}
