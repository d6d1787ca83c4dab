using CityPulse.Api.Readings;
using CityPulse.Api.Readings.Ingest;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class StoredBatchTests(TestStores stores)
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_long_gap_begins_a_new_span()
    {
        var stored = new StoredBatch(Guid.NewGuid());
        var sensor = new SensorEntry(1, Guid.NewGuid(), Guid.NewGuid(), 0, 0);
        stored.Add(sensor, [Point(0), Point(7), Point(14.1), Point(15), Point(400)]);
        stored.Spans.ShouldBe([Span(0, 7), Span(14.1, 15), Span(400, 400)]);

        StoredSpan Span(double first, double last) => new(sensor, Point(first).AtMicroseconds, Point(last).AtMicroseconds);

        static ReadingBatch.Point Point(double day) => new(Timestamp.FromDateTimeOffset(Start.AddDays(day)), 1);
    }

    [Fact]
    public async Task Every_part_travels_in_the_transaction_and_hears_of_what_changed_only()
    {
        var part = new Ledger();
        await using var host = await ApiHost.StartAsync(stores, settings: ReadingsApi.Unlimited, services: s => s.AddSingleton<IStoredBatchPart>(part));
        await using var database = NpgsqlDataSource.Create(host.ConnectionString);
        await using (var create = database.CreateCommand("CREATE TABLE ledger (readings_seen bigint NOT NULL); GRANT INSERT ON ledger TO PUBLIC"))
        {
            await create.ExecuteNonQueryAsync();
        }

        var city = await City.RegisterAsync(host.CreateClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "meter");
        await city.IngestAsync("meter", (Start, 1), (Start.AddHours(1), 2));
        await city.IngestAsync("meter", (Start, 1), (Start.AddHours(1), 2));
        await city.IngestAsync("meter", (Start, 1), (Start.AddHours(1), 3), (Start.AddHours(2), 4));

        part.Told.ShouldBe([(Start, Start.AddHours(1)), (Start.AddHours(1), Start.AddHours(2))]);
        await using var select = database.CreateCommand("SELECT array_agg(readings_seen ORDER BY readings_seen) FROM ledger");
        ((long[])(await select.ExecuteScalarAsync())!).ShouldBe([2, 3]);
    }

    /// <summary>Writes down how many readings its own transaction sees.</summary>
    private sealed class Ledger : IStoredBatchPart
    {
        public List<(DateTimeOffset First, DateTimeOffset Last)> Told { get; } = [];

        public void AddTo(NpgsqlBatch commit, StoredBatch stored) =>
            commit.BatchCommands.Add(new NpgsqlBatchCommand("INSERT INTO ledger SELECT count(*) FROM readings"));

        public void Committed(StoredBatch stored) => Told.AddRange(
            stored.Spans.Select(s => (Timestamp.ToDateTimeOffset(s.FirstMicroseconds), Timestamp.ToDateTimeOffset(s.LastMicroseconds))));
    }
}
