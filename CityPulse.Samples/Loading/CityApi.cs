using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using CityPulse.Samples.Domain;

namespace CityPulse.Samples.Loading;

/// <summary>The public API as the loader uses it.</summary>
internal sealed class CityApi(PatientHttp http, CitySession session)
{
    private const string Sensors = "/api/v1/citypulse/sensors";

    public Task<IReadOnlyList<StoredBuilding>> ListBuildingsAsync(CancellationToken cancel) =>
        ListAsync<StoredBuilding>("/api/v1/citypulse/buildings", cancel);

    public Task<IReadOnlyList<StoredSensor>> ListSensorsAsync(CancellationToken cancel) =>
        ListAsync<StoredSensor>(Sensors, cancel);

    public Task<IReadOnlyList<LatestReading>> ListLatestReadingsAsync(CancellationToken cancel) =>
        ListAsync<LatestReading>("/api/v1/citypulse/readings/latest", cancel);

    public Task<StoredBuilding> CreateAsync(BuildingRequest building, CancellationToken cancel) =>
        CreateAsync<BuildingRequest, StoredBuilding>("/api/v1/citypulse/buildings", building, cancel);

    public Task<StoredSensor> CreateAsync(SensorRequest sensor, CancellationToken cancel) =>
        CreateAsync<SensorRequest, StoredSensor>(Sensors, sensor, cancel);

    /// <summary>Stores readings. May be repeated safely: (sensor, at) is the identity of a reading.</summary>
    public async Task<IngestResponse> IngestAsync(IReadOnlyList<SampleReading> readings, CancellationToken cancel)
    {
        var body = Pack(readings);
        using var response = await SendAsync(
            () =>
            {
                var content = new ByteArrayContent(body);
                content.Headers.ContentType = new MediaTypeHeaderValue("text/csv") { CharSet = "utf-8" };
                content.Headers.ContentEncoding.Add("gzip");
                return new HttpRequestMessage(HttpMethod.Post, Sensors + "/readings") { Content = content };
            },
            cancel);
        // No good row at all is 422, with the same members.
        return response.StatusCode is HttpStatusCode.OK or HttpStatusCode.UnprocessableEntity
            ? await CityJson.ReadAsync<IngestResponse>(response, cancel)
            : throw await CityJson.FaultOfAsync(response, cancel);
    }

    private static byte[] Pack(IReadOnlyList<SampleReading> readings)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        using (var writer = new StreamWriter(gzip, new UTF8Encoding(false), 64 * 1024))
        {
            writer.Write("sensor,at,value\n");
            foreach (var reading in readings)
            {
                writer.Write(string.Create(
                    CultureInfo.InvariantCulture, $"{reading.Sensor},{reading.At.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.FFF}Z,{reading.Value:R}\n"));
            }
        }

        return packed.ToArray();
    }

    private async Task<IReadOnlyList<T>> ListAsync<T>(string path, CancellationToken cancel)
    {
        var items = new List<T>();
        string? cursor = null;
        do
        {
            var uri = cursor is null ? $"{path}?limit=500" : $"{path}?limit=500&cursor={Uri.EscapeDataString(cursor)}";
            using var response = await SendAsync(() => new HttpRequestMessage(HttpMethod.Get, uri), cancel);
            var page = response.IsSuccessStatusCode
                ? await CityJson.ReadAsync<Page<T>>(response, cancel)
                : throw await CityJson.FaultOfAsync(response, cancel);
            items.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return items;
    }

    private async Task<TResponse> CreateAsync<TRequest, TResponse>(string path, TRequest body, CancellationToken cancel)
    {
        // One key for all attempts: when an answer is lost on the way, the repeat finds what the first attempt made.
        var key = Guid.NewGuid().ToString();
        using var response = await SendAsync(
            () => new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body, options: CityJson.Options), Headers = { { "Idempotency-Key", key } } },
            cancel);
        return response.IsSuccessStatusCode
            ? await CityJson.ReadAsync<TResponse>(response, cancel)
            : throw await CityJson.FaultOfAsync(response, cancel);
    }

    /// <summary>Sends with the caller's token, again if need be. The answer is one that a repeat would not change.</summary>
    private async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> create, CancellationToken cancel)
    {
        for (var renewed = false; ; renewed = true)
        {
            var token = await session.TokenAsync(cancel);
            var response = await http.SendAsync(
                () =>
                {
                    var request = create();
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
                    return request;
                },
                cancel);
            if (response.StatusCode != HttpStatusCode.Unauthorized || renewed)
            {
                return response;
            }

            response.Dispose();
            await session.ForgetAsync(token, cancel);
        }
    }
}
