using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class IngestLimitTests(ReadingsApi api) : IClassFixture<ReadingsApi>
{
    private const int Megabyte = 1024 * 1024;

    [Fact]
    public async Task A_hundred_thousand_readings_are_taken_and_one_more_is_413()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        (await ReadingsApi.PostAsync(city, Csv(100_001), "text/csv")).StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await api.StoredAsync(sensor)).ShouldBeEmpty();
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, Csv(100_000), "text/csv", gzip: true)).ReadAsync(HttpStatusCode.OK)).ShouldBe((100_000, 0, 0, 0));
        (await api.StoredAsync(sensor)).Count.ShouldBe(100_000);
        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, Csv(100_000), "text/csv")).ReadAsync(HttpStatusCode.OK)).ShouldBe((0, 0, 100_000, 0));
    }

    [Fact]
    public async Task A_body_that_unpacks_to_more_than_32_MB_is_413()
    {
        var city = await api.RegisterAsync();
        using var lines = new MemoryStream();
        await WriteBlankLinesAsync(lines, 100 * Megabyte);
        using var content = new ByteArrayContent(ReadingsApi.Zip(lines.ToArray()));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        content.Headers.ContentEncoding.Add("gzip");
        await (await city.Client.PostAsync(ReadingsApi.Ingest, content)).ReadProblemAsync(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task A_long_body_of_unannounced_length_is_413_also_for_a_client_that_goes_on_sending()
    {
        var city = await api.RegisterAsync();
        using var content = new PushContent(async stream =>
        {
            for (var sent = 0L; sent < 100 * Megabyte; sent += Megabyte)
            {
                await WriteBlankLinesAsync(stream, Megabyte);
            }
        });
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        await (await city.Client.PostAsync(ReadingsApi.Ingest, content)).ReadProblemAsync(HttpStatusCode.RequestEntityTooLarge);
    }

    [Fact]
    public async Task A_length_of_100_MB_is_refused_unread()
    {
        var city = await api.RegisterAsync();
        var answer = await RawAsync(city, $"Content-Length: {100 * Megabyte}\r\n", "{\"readings\":[");
        answer.ShouldStartWith("HTTP/1.1 413 ");
        answer.ShouldContain("application/problem+json");
    }

    [Fact]
    public async Task A_body_shorter_than_its_length_stores_nothing()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var body = ReadingsApi.Json(("meter", "2026-01-01T00:00:00Z", 1));
        var answer = await RawAsync(city, $"Content-Length: {body.Length + 100}\r\n", body, hangUp: true);
        answer.ShouldNotContain("HTTP/1.1 200");
        (await api.StoredAsync(sensor)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_body_longer_than_its_length_is_cut_there()
    {
        var (city, _, sensor) = await api.WithMeterAsync();
        var body = ReadingsApi.Json(("meter", "2026-01-01T00:00:00Z", 1));
        var answer = await RawAsync(city, $"Content-Length: {body.Length - 5}\r\n", body);
        answer.ShouldStartWith("HTTP/1.1 400 ");
        (await api.StoredAsync(sensor)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_value_without_end_is_400_and_not_kept_in_memory()
    {
        var city = await api.RegisterAsync();
        foreach (var (type, start) in new[] { ("application/json", "{\"readings\":[{\"sensor\":\""), ("application/x-ndjson", "{\"sensor\":\""), ("text/csv", "sensor,at,value\n\"") })
        {
            var problem = await (await ReadingsApi.PostAsync(city, start + new string('x', 20 * Megabyte), type)).ReadProblemAsync(HttpStatusCode.BadRequest);
            problem.GetProperty("detail").GetString()!.ShouldContain("65536 bytes");
        }
    }

    private static string Csv(int rows)
    {
        var csv = new StringBuilder("sensor,at,value\n");
        var start = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        for (var i = 0; i < rows; i++)
        {
            csv.Append("meter,").Append(start.AddSeconds(i).ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture)).Append(",1\n");
        }

        return csv.ToString();
    }

    private static async Task WriteBlankLinesAsync(Stream stream, int bytes)
    {
        var lines = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("       \n", 8192)));
        for (var written = 0; written < bytes; written += lines.Length)
        {
            await stream.WriteAsync(lines);
        }
    }

    /// <summary>One request by hand; reads what comes within the connection's life, or until the answer's body begins.</summary>
    private async Task<string> RawAsync(City city, string header, string body, bool hangUp = false)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(api.Host.BaseAddress.Host, api.Host.BaseAddress.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(
            $"POST {ReadingsApi.Ingest} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {city.AccessToken}\r\nContent-Type: application/json\r\n{header}\r\n{body}"));
        if (hangUp)
        {
            client.Client.Shutdown(SocketShutdown.Send);
        }

        var answer = new byte[8192];
        var length = 0;
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            for (int read; length < answer.Length && (read = await stream.ReadAsync(answer.AsMemory(length), deadline.Token)) > 0;)
            {
                length += read;
                if (Encoding.UTF8.GetString(answer, 0, length).Contains("\r\n\r\n{", StringComparison.Ordinal))
                {
                    break;
                }
            }
        }
        catch (IOException)
        {
            // A connection that is reset tells nothing more.
        }

        return Encoding.UTF8.GetString(answer, 0, length);
    }

    private sealed class PushContent(Func<Stream, Task> write) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => write(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
