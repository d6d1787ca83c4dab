using System.Net;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class BackPressureTests(TestStores stores)
{
    [Fact]
    public async Task More_batches_than_a_replica_takes_are_told_to_come_again_and_nothing_is_lost()
    {
        await using var host = await StartAsync(batches: 2, waitMilliseconds: 0);
        var city = await City.RegisterAsync(host.CreateClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "meter");
        var gate = host.Services.GetRequiredService<IngestGate>();
        var body = ReadingsApi.Json(("meter", "2026-01-01T00:00:00Z", 1));

        using (var first = await gate.EnterAsync(CancellationToken.None))
        using (var second = await gate.EnterAsync(CancellationToken.None))
        {
            second.ShouldNotBeNull();
            using var refused = await ReadingsApi.PostAsync(city, body);
            await refused.ReadProblemAsync(HttpStatusCode.ServiceUnavailable);
            refused.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
        }

        ReadingsApi.Counts(await (await ReadingsApi.PostAsync(city, body)).ReadAsync(HttpStatusCode.OK)).ShouldBe((1, 0, 0, 0));
        using var metrics = await host.CreateInternalClient().GetAsync("/metrics");
        (await metrics.Content.ReadAsStringAsync()).ShouldMatch(@"citypulse_ingest_refused_total\S* [1-9]");
    }

    [Fact]
    public async Task A_batch_that_must_wait_a_moment_is_taken_then()
    {
        await using var host = await StartAsync(batches: 1, waitMilliseconds: 30_000);
        var city = await City.RegisterAsync(host.CreateClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "meter");
        var gate = host.Services.GetRequiredService<IngestGate>();
        Task<HttpResponseMessage> waiting;
        using (await gate.EnterAsync(CancellationToken.None))
        {
            waiting = ReadingsApi.PostAsync(city, ReadingsApi.Json(("meter", "2026-01-01T00:00:00Z", 1)));
        }

        await (await waiting).ReadAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Bodies_in_flight_are_bounded_in_bytes_too()
    {
        await using var host = await StartAsync(batches: 4, waitMilliseconds: 0, megabytes: 32);
        var city = await City.RegisterAsync(host.CreateClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "meter");
        var body = ReadingsApi.Json(("meter", "2026-01-01T00:00:00Z", 1));
        using (var other = await host.Services.GetRequiredService<IngestGate>().EnterAsync(CancellationToken.None))
        {
            other!.TryTake(32 * 1024 * 1024).ShouldBeTrue();
            await (await ReadingsApi.PostAsync(city, body)).ReadProblemAsync(HttpStatusCode.ServiceUnavailable);
        }

        await (await ReadingsApi.PostAsync(city, body)).ReadAsync(HttpStatusCode.OK);
    }

    private Task<ApiHost> StartAsync(int batches, int waitMilliseconds, int megabytes = 256) => ApiHost.StartAsync(
        stores,
        settings: new Dictionary<string, string?>(ReadingsApi.Unlimited)
        {
            ["Ingest:MaxBatchesInFlight"] = $"{batches}", ["Ingest:MaxWaitMilliseconds"] = $"{waitMilliseconds}", ["Ingest:MaxMegabytesInFlight"] = $"{megabytes}",
        });
}
