using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Realtime.Feed.Domain;
using CityPulse.Tests.AppHost;
using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Contracts;

/// <summary>
/// While a release rolls out, replicas of two versions tell each other events, and clients know the older ones only. What a version has
/// told lies in <c>Events/</c>, a file a type: a new version may add members, and must keep those.
/// </summary>
[Collection(StackCollection.Name)]
public sealed class EventContractTests(StackFixture stack)
{
    private static readonly string Samples = Repository.PathTo("CityPulse.Tests", "Contracts", "Events");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_event_still_has_the_members_that_it_had_and_every_type_has_its_sample()
    {
        var city = await City.RegisterAsync(stack.CreateEdgeClient());
        await using (var live = await LiveClient.ConnectAsync(stack.Door, city.AccessToken))
        {
            await TellEverythingAsync(city);
        }

        var known = Directory.GetFiles(Samples, "*.json").Where(file => !file.EndsWith(".received.json", StringComparison.Ordinal)).ToDictionary(file => Path.GetFileNameWithoutExtension(file), File.ReadAllText);
        ILookup<string, JsonElement> told = Enumerable.Empty<JsonElement>().ToLookup(_ => "");
        try
        {
            await Eventually.TrueAsync(async () => known.Keys.All((told = await ToldAsync(city.OrganizationId)).Contains) && known.Count > 0, "every type of event is told", TimeSpan.FromSeconds(60));
        }
        catch (TimeoutException)
        {
            known.Keys.Where(type => !told.Contains(type)).ShouldBeEmpty("types that have a sample and are not told any more");
        }

        foreach (var type in told.Where(t => !known.ContainsKey(t.Key)))
        {
            await File.WriteAllTextAsync(Path.Combine(Samples, $"{type.Key}.received.json"), JsonSerializer.Serialize(type.First(), Indented) + "\n", Cancel);
        }

        told.Select(t => t.Key).Except(known.Keys).ShouldBeEmpty($"types without a sample; what was told is in {Samples} as *.received.json");
        told.SelectMany(t => JsonShape.Of(t).Breaks(JsonShape.Of(JsonElement.Parse(known[t.Key]))).Select(b => $"{t.Key}: {b}")).ShouldBeEmpty();
    }

    /// <summary>Written by the first version that was released. If these change, an old replica cannot read a new one, or the other way round.</summary>
    [Fact]
    public void Bytes_that_were_once_written_are_still_read_and_written_alike()
    {
        const string readings = "KgAAAAAAAAApAAAAAAAAAAGYAAAAAHAAgAAAAAAAAAEARrvYyEjeCAhyZWFkaW5ncwA9AZgAAAAAcACAAAAAAAAAAgGYAAAAAHAAgAAAAAAAAAMCgICC4ojSowYAAAAAAIA1QICcnDkAAAAAAADQvw==";
        const string updated = "KwAAAAAAAAAqAAAAAAAAAAGYAAAAAHAAgAAAAAAAAAEARrvYyEjeCBBidWlsZGluZy51cGRhdGVkAQlidWlsZGluZ3NAeyJpZCI6IjAxOTgwMDAwLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMyIsIm5hbWUiOiJUb3duIGhhbGwifQ==";

        var batch = StreamRecord.FromBytes(Convert.FromBase64String(readings));
        (batch.Position, batch.Previous, batch.Type).ShouldBe((42, 41, StreamRecord.ReadingsType));
        batch.At.ShouldBe(new DateTimeOffset(2026, 1, 1, 0, 1, 0, TimeSpan.Zero));
        var events = RecordEvents.Of(batch, _ => true);
        events.Count.ShouldBe(3, "all readings, those of the building, those of the sensor");
        var block = events[^1].Blocks!.ShouldHaveSingleItem();
        block.SensorId.ShouldBe(Guid.Parse("01980000-0000-7000-8000-000000000002"));
        block.Points.ToArray().Select(p => (p.At.UtcDateTime.ToString("HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture), p.Value)).ShouldBe([("00:00:00", 21.5), ("00:01:00", -0.25)]);

        var change = StreamRecord.FromBytes(Convert.FromBase64String(updated));
        (change.Position, change.Type, change.Topics.Single()).ShouldBe((43, "building.updated", "buildings"));
        Encoding.UTF8.GetString(change.Data.Span).ShouldContain("Town hall");
        (Convert.ToBase64String(batch.ToBytes()), Convert.ToBase64String(change.ToBytes())).ShouldBe((readings, updated));
    }

    [Theory]
    [InlineData("""{"a":1,"b":{"c":"x"},"d":[{"e":true}]}""", "")]
    [InlineData("""{"a":null,"b":null,"d":[],"more":1}""", "")]
    [InlineData("""{"a":"1","b":{},"d":[{"e":false}]}""", "a was Number and is String; b.c is gone")]
    [InlineData("""{"a":1,"b":{"c":"x"},"d":[{}]}""", "d[].e is gone")]
    public void A_member_that_is_gone_or_of_another_kind_breaks_a_shape_and_one_more_does_not(string now, string expected) =>
        string.Join("; ", JsonShape.Of(JsonElement.Parse(now)).Breaks(JsonShape.Of(JsonElement.Parse("""{"a":1,"b":{"c":"x"},"d":[{"e":true}]}""")))).ShouldBe(expected);

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private static async Task TellEverythingAsync(City city)
    {
        const string root = "/api/v1/citypulse";
        var building = await city.CreateBuildingAsync();
        var meter = await city.CreateSensorAsync(building, "electric_power", "told", more: new { intervalSeconds = 900 });
        await ChangeAsync($"{root}/buildings/{building}", new { floors = 3 });
        await ChangeAsync($"{root}/sensors/{meter}", new { name = "Main meter" });
        await DeleteAsync($"{root}/sensors/{await city.CreateSensorAsync(building, "temperature", "gone")}");
        await DeleteAsync($"{root}/buildings/{await city.CreateBuildingAsync("Gone")}");

        using var rule = await city.Client.PostAsJsonAsync(
            $"{root}/alerts/rules",
            new { name = "Too much", scope = new { sensorId = meter }, condition = new { type = "threshold", @operator = ">", value = 30 }, severity = "warning" }, Cancel);
        await rule.ReadAsync(HttpStatusCode.Created);
        var now = TimeProvider.System.GetUtcNow();
        await city.IngestAsync("told", [(now.AddMinutes(-3), 40)]);
        var alert = Guid.Empty;
        await Eventually.TrueAsync(
            async () =>
            {
                using var answer = await city.Client.GetAsync($"{root}/alerts", Cancel);
                var items = (await answer.ReadAsync(HttpStatusCode.OK)).GetProperty("items");
                alert = items.GetArrayLength() == 0 ? Guid.Empty : items[0].GetProperty("id").GetGuid();
                return alert != Guid.Empty;
            },
            "the alert is raised");
        await ActAsync("comment", new { comment = "Seen." });
        await ActAsync("shelve", new { minutes = 5, reason = "Works" });
        await ActAsync("unshelve", null);
        await ActAsync("acknowledge", new { comment = "On it." });
        await city.IngestAsync("told", [(now.AddMinutes(-1), 1)]);
        using var run = await city.Client.PostAsJsonAsync("/api/v1/swarm/orchestrate", new { goal = "How much energy was used?", pattern = "sequential" }, Cancel);
        await run.ReadAsync(HttpStatusCode.Accepted);

        async Task ChangeAsync(string path, object change)
        {
            using var request = new HttpRequestMessage(HttpMethod.Patch, path) { Content = JsonContent.Create(change) };
            request.Headers.IfMatch.ParseAdd("*");
            using var answer = await city.Client.SendAsync(request, Cancel);
            await answer.ReadAsync(HttpStatusCode.OK);
        }

        async Task DeleteAsync(string path)
        {
            using var answer = await city.Client.DeleteAsync(path, Cancel);
            answer.StatusCode.ShouldBe(HttpStatusCode.NoContent, path);
        }

        async Task ActAsync(string action, object? body)
        {
            using var answer = await city.Client.PostAsync($"{root}/alerts/{alert}/{action}", body is null ? null : JsonContent.Create(body), Cancel);
            await answer.ReadAsync(HttpStatusCode.OK);
        }
    }

    /// <summary>The events by type, as the outbox keeps it; readings are bytes and have a test of their own.</summary>
    private async Task<ILookup<string, JsonElement>> ToldAsync(Guid organization)
    {
        await using var connection = new NpgsqlConnection(await stack.App.GetConnectionStringAsync("citydb", Cancel) + ";Pooling=false");
        await connection.OpenAsync(Cancel);
        await using var command = new NpgsqlCommand("SELECT type, data FROM outbox WHERE organization_id = $1 AND type <> $2 ORDER BY id", connection)
        {
            Parameters = { new() { Value = organization }, new() { Value = StreamRecord.ReadingsType } },
        };
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        var told = new List<(string Type, JsonElement Data)>();
        while (await reader.ReadAsync(Cancel))
        {
            told.Add((reader.GetString(0), JsonElement.Parse(reader.GetFieldValue<byte[]>(1))));
        }

        return told.ToLookup(e => e.Type, e => e.Data);
    }
}
