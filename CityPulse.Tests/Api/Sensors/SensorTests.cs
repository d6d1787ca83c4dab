using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Sensors;

public sealed class SensorTests(CityApi api) : IClassFixture<CityApi>
{
    [Theory]
    [InlineData("electric_energy", "kWh", "delta", 900)]
    [InlineData("temperature", "Cel", "gauge", 900)]
    [InlineData("traffic_flow", "/h", "gauge", 300)]
    public async Task Unit_kind_and_interval_have_defaults_by_quantity(string quantity, string unit, string kind, int interval)
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync();
        var sensor = await admin.ReadAsync($"{Member.Sensors}/{await admin.AddSensorAsync(building, new { quantity })}");
        sensor.GetProperty("unit").GetString().ShouldBe(unit);
        sensor.GetProperty("kind").GetString().ShouldBe(kind);
        sensor.GetProperty("intervalSeconds").GetInt32().ShouldBe(interval);
        sensor.GetProperty("interpolation").GetString().ShouldBe(kind == "gauge" ? "linear" : null);
        sensor.GetProperty("intervalLabel").GetString().ShouldBe(kind == "delta" ? "start" : null);
        sensor.GetProperty("status").GetString().ShouldBe("never");
        sensor.GetProperty("lastReading").ValueKind.ShouldBe(JsonValueKind.Null);
        sensor.GetProperty("submeter").GetBoolean().ShouldBeFalse();
    }

    [Fact]
    public async Task Every_member_is_kept()
    {
        var admin = await api.MemberAsync();
        var more = new
        {
            externalId = "MTR-7", name = "Heat", quantity = "heat_energy", unit = "MWh", kind = "counter", intervalSeconds = 600,
            minValue = 0.5, maxValue = 99999.9, registerMaximum = 99999.9, ratedPowerKw = 350.5, submeter = true, tags = new[] { "a", "b" },
        };
        var sensor = await admin.ReadAsync($"{Member.Sensors}/{await admin.AddSensorAsync(await admin.AddBuildingAsync(), more)}");
        foreach (var member in JsonSerializer.SerializeToElement(more).EnumerateObject())
        {
            sensor.GetProperty(member.Name).ToString().ShouldBe(member.Value.ToString(), member.Name);
        }
    }

    /// <summary>Member, its JSON (null: left out) and the path that the error names.</summary>
    public static TheoryData<string, string?, string> Wrong => new()
    {
        { "buildingId", null, "buildingId" },
        { "buildingId", "\"nonsense\"", "buildingId" },
        { "buildingId", "\"0199d6a8-0000-7000-8000-000000000000\"", "buildingId" },
        { "name", null, "name" },
        { "name", "\" \"", "name" },
        { "externalId", "\"\"", "externalId" },
        { "externalId", "\" a\"", "externalId" },
        { "externalId", "\"a\\nb\"", "externalId" },
        { "externalId", $"\"{new string('x', 201)}\"", "externalId" },
        { "externalId", "5", "externalId" },
        { "quantity", null, "quantity" },
        { "quantity", "\"mood\"", "quantity" },
        { "unit", "\"kW\"", "unit" },
        { "unit", "\"Cel\"", "unit" },
        { "unit", "\"\"", "unit" },
        { "unit", "5", "unit" },
        { "kind", "\"meter\"", "kind" },
        { "kind", "\"Gauge\"", "kind" },
        { "intervalSeconds", "0", "intervalSeconds" },
        { "intervalSeconds", "-60", "intervalSeconds" },
        { "intervalSeconds", "1.5", "intervalSeconds" },
        { "intervalSeconds", "\"60\"", "intervalSeconds" },
        { "intervalSeconds", "99999999", "intervalSeconds" },
        { "minValue", "1e999", "minValue" },
        { "maxValue", "\"5\"", "maxValue" },
        { "interpolation", "\"cubic\"", "interpolation" },
        { "interpolation", "\"previous\"", "interpolation" },
        { "intervalLabel", "\"middle\"", "intervalLabel" },
        { "registerMaximum", "1000", "registerMaximum" },
        { "ratedPowerKw", "0", "ratedPowerKw" },
        { "ratedPowerKw", "-5", "ratedPowerKw" },
        { "submeter", "\"true\"", "submeter" },
        { "submeter", "1", "submeter" },
        { "tags", "[\" \"]", "tags[0]" },
        { "status", "\"online\"", "status" },
        { "lastReading", "null", "lastReading" },
        { "colour", "\"red\"", "colour" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_member_is_named_on_create_and_patch(string member, string? json, string path)
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync();
        var good = $"{Member.Sensors}/{await admin.AddSensorAsync(building)}";
        await NamesAsync(await admin.PostAsync(Member.Sensors, Valid.With(Valid.Sensor(building), member, json)), path);
        await NamesAsync(await admin.PatchAsync(good, $"{{\"{member}\":{json ?? "null"}}}"), path);
        if (member is not ("status" or "lastReading"))
        {
            await NamesAsync(await admin.PutAsync(good, Valid.With(Valid.Sensor(building), member, json)), path);
        }

        (await admin.ReadAllAsync(Member.Sensors)).ShouldHaveSingleItem().GetProperty("version").GetInt32().ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"minValue":5,"maxValue":4}""", "maxValue")]
    [InlineData("""{"kind":"gauge","intervalLabel":"end"}""", "intervalLabel")]
    [InlineData("""{"kind":"counter","interpolation":"linear"}""", "interpolation")]
    [InlineData("""{"kind":"counter","registerMaximum":0}""", "registerMaximum")]
    [InlineData("""{"quantity":"temperature","unit":"kWh"}""", "unit")]
    public async Task Members_must_fit_each_other(string more, string path)
    {
        var admin = await api.MemberAsync();
        var body = Valid.Sensor(await admin.AddBuildingAsync());
        foreach (var member in JsonElement.Parse(more).EnumerateObject())
        {
            body[member.Name] = member.Value;
        }

        await NamesAsync(await admin.PostAsync(Member.Sensors, body), path);
    }

    [Fact]
    public async Task A_foreign_building_is_an_unknown_one()
    {
        var (admin, stranger) = (await api.MemberAsync(), await api.MemberAsync());
        var foreign = await stranger.AddBuildingAsync();
        var messages = new List<string>();
        foreach (var building in new[] { foreign, Guid.CreateVersion7() })
        {
            var problem = await (await admin.PostAsync(Member.Sensors, Valid.Sensor(building))).ReadProblemAsync(HttpStatusCode.BadRequest);
            messages.Add(problem.GetProperty("errors").ToString());
        }

        messages[0].ShouldBe(messages[1]);
        var own = $"{Member.Sensors}/{await admin.AddSensorAsync(await admin.AddBuildingAsync())}";
        await NamesAsync(await admin.PatchAsync(own, new { buildingId = foreign }), "buildingId");
        (await admin.ReadAllAsync($"{Member.Sensors}?buildingId={foreign}")).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_patch_of_the_kind_drops_the_former_kinds_members_and_null_brings_defaults_back()
    {
        var admin = await api.MemberAsync();
        var path = $"{Member.Sensors}/{await admin.AddSensorAsync(await admin.AddBuildingAsync(), new { intervalLabel = "end", unit = "Wh", intervalSeconds = 60 })}";
        var counter = await (await admin.PatchAsync(path, new { kind = "counter", registerMaximum = 1000 })).ReadAsync(HttpStatusCode.OK);
        counter.GetProperty("intervalLabel").ValueKind.ShouldBe(JsonValueKind.Null);
        counter.GetProperty("registerMaximum").GetDouble().ShouldBe(1000);
        var reset = await (await admin.PatchAsync(path, """{"kind":null,"unit":null,"intervalSeconds":null}""")).ReadAsync(HttpStatusCode.OK);
        reset.GetProperty("kind").GetString().ShouldBe("delta");
        reset.GetProperty("unit").GetString().ShouldBe("kWh");
        reset.GetProperty("intervalSeconds").GetInt32().ShouldBe(900);
        reset.GetProperty("intervalLabel").GetString().ShouldBe("start");
        reset.GetProperty("registerMaximum").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task An_external_id_is_unique_in_the_organisation_until_its_sensor_goes()
    {
        var (admin, stranger) = (await api.MemberAsync(), await api.MemberAsync());
        var building = await admin.AddBuildingAsync();
        var first = await admin.AddSensorAsync(building, new { externalId = "M-1" });
        var second = await admin.AddSensorAsync(building, new { externalId = "m-1" });
        var body = Valid.With(Valid.Sensor(building), new { externalId = "M-1" });
        await (await admin.PostAsync(Member.Sensors, body)).ReadProblemAsync(HttpStatusCode.Conflict);
        await (await admin.PatchAsync($"{Member.Sensors}/{second}", new { externalId = "M-1" })).ReadProblemAsync(HttpStatusCode.Conflict);
        await (await admin.PutAsync($"{Member.Sensors}/{second}", body)).ReadProblemAsync(HttpStatusCode.Conflict);
        await stranger.AddSensorAsync(await stranger.AddBuildingAsync(), new { externalId = "M-1" });
        (await admin.DeleteAsync($"{Member.Sensors}/{first}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await admin.PostAsync(Member.Sensors, body)).StatusCode.ShouldBe(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Of_many_with_one_external_id_at_once_one_is_created()
    {
        var admin = await api.MemberAsync();
        var body = Valid.With(Valid.Sensor(await admin.AddBuildingAsync()), new { externalId = "race" });
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => admin.PostAsync(Member.Sensors, body)));
        answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Conflict).ShouldBe(9);
        (await admin.ReadAllAsync(Member.Sensors)).Count.ShouldBe(1);
        (await api.EventsAsync(admin.OrganizationId)).Count(e => e == "sensor.created").ShouldBe(1);
    }

    [Fact]
    public async Task A_building_that_goes_while_sensors_come_leaves_none_behind()
    {
        var admin = await api.MemberAsync();
        for (var round = 0; round < 5; round++)
        {
            var building = await admin.AddBuildingAsync();
            var creating = Enumerable.Range(0, 4).Select(_ => admin.PostAsync(Member.Sensors, Valid.Sensor(building))).ToArray();
            using var deleted = await admin.DeleteAsync($"{Member.Buildings}/{building}?cascade=true");
            deleted.StatusCode.ShouldBe(HttpStatusCode.NoContent);
            (await Task.WhenAll(creating)).ShouldAllBe(a => a.StatusCode == HttpStatusCode.Created || a.StatusCode == HttpStatusCode.BadRequest);
        }

        (await admin.ReadAllAsync(Member.Sensors)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_deleted_sensor_takes_its_readings_along()
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync();
        var (gone, stays) = (await admin.AddSensorAsync(building, new { externalId = "again" }), await admin.AddSensorAsync(building));
        var at = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);
        await api.StoreReadingAsync(gone, at, 1);
        await api.StoreReadingAsync(stays, at, 2);
        (await admin.DeleteAsync($"{Member.Sensors}/{gone}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await api.ScalarAsync<long>("SELECT count(*) FROM readings r WHERE NOT EXISTS (SELECT 1 FROM sensors s WHERE s.key = r.sensor_key)")).ShouldBe(0);
        var next = await admin.ReadAsync($"{Member.Sensors}/{await admin.AddSensorAsync(building, new { externalId = "again" })}");
        next.GetProperty("lastReading").ValueKind.ShouldBe(JsonValueKind.Null);
        (await admin.ReadAsync($"{Member.Sensors}/{stays}")).GetProperty("lastReading").GetProperty("value").GetDouble().ShouldBe(2);
    }

    private static async Task NamesAsync(HttpResponseMessage answer, string path)
    {
        var problem = await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldContain(path, problem.ToString());
    }
}
