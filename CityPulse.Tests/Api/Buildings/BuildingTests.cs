using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Buildings;

public sealed class BuildingTests(CityApi api) : IClassFixture<CityApi>
{
    private const string Full = """
        {
          "name": "Rathaus", "code": "RH-1", "use": "public",
          "address": { "street": "Markt 1", "city": "Leipzig", "postalCode": "04109", "country": "DE" },
          "location": { "type": "Point", "coordinates": [12.3747, 51.3402] },
          "floorAreaM2": 5230.25, "floors": 5, "yearBuilt": 1905, "timeZone": "Europe/Berlin",
          "tags": ["landmark", "heating-gas"], "carbonIntensityKgPerKwh": 0.38
        }
        """;

    [Fact]
    public async Task Every_member_is_kept()
    {
        var admin = await api.MemberAsync();
        using var created = await admin.PostAsync(Member.Buildings, Full);
        var read = await admin.ReadAsync(created.Headers.Location!.ToString());
        foreach (var member in JsonElement.Parse(Full).EnumerateObject())
        {
            read.GetProperty(member.Name).ToString().ShouldBe(JsonSerializer.Serialize(member.Value).Trim('"'), member.Name);
        }

        read.GetProperty("tariffId").ValueKind.ShouldBe(JsonValueKind.Null);
    }

    [Fact]
    public async Task What_is_not_given_is_null_or_empty()
    {
        var admin = await api.MemberAsync();
        var read = await admin.ReadAsync($"{Member.Buildings}/{await admin.AddBuildingAsync()}");
        foreach (var member in new[] { "code", "address", "location", "floors", "yearBuilt", "tariffId", "carbonIntensityKgPerKwh" })
        {
            read.GetProperty(member).ValueKind.ShouldBe(JsonValueKind.Null, member);
        }

        read.GetProperty("tags").GetArrayLength().ShouldBe(0);
    }

    /// <summary>Member, its JSON (null: left out) and the path that the error names.</summary>
    public static TheoryData<string, string?, string> Wrong => new()
    {
        { "name", null, "name" },
        { "name", "null", "name" },
        { "name", "\"\"", "name" },
        { "name", "\"  \"", "name" },
        { "name", "\"a\\u0000b\"", "name" },
        { "name", $"\"{new string('x', 201)}\"", "name" },
        { "name", "5", "name" },
        { "code", $"\"{new string('x', 201)}\"", "code" },
        { "use", null, "use" },
        { "use", "\"castle\"", "use" },
        { "use", "\"Office\"", "use" },
        { "timeZone", null, "timeZone" },
        { "timeZone", "\"Berlin\"", "timeZone" },
        { "timeZone", "\"europe/berlin\"", "timeZone" },
        { "timeZone", "\"W. Europe Standard Time\"", "timeZone" },
        { "timeZone", "\"../../etc/passwd\"", "timeZone" },
        { "timeZone", "\"posix/Europe/Berlin\"", "timeZone" },
        { "timeZone", "\"\"", "timeZone" },
        { "floorAreaM2", null, "floorAreaM2" },
        { "floorAreaM2", "0", "floorAreaM2" },
        { "floorAreaM2", "-1", "floorAreaM2" },
        { "floorAreaM2", "1e999", "floorAreaM2" },
        { "floorAreaM2", "1e9", "floorAreaM2" },
        { "floorAreaM2", "\"100\"", "floorAreaM2" },
        { "floorAreaM2", "\"NaN\"", "floorAreaM2" },
        { "floors", "0", "floors" },
        { "floors", "301", "floors" },
        { "floors", "1.5", "floors" },
        { "floors", "\"3\"", "floors" },
        { "yearBuilt", "999", "yearBuilt" },
        { "yearBuilt", "2999", "yearBuilt" },
        { "address", "\"Markt 1\"", "address" },
        { "address", """{"town":"Leipzig"}""", "address.town" },
        { "address", """{"city":5}""", "address.city" },
        { "address", """{"city":" "}""", "address.city" },
        { "location", "[12,51]", "location" },
        { "location", """{"type":"point","coordinates":[12,51]}""", "location.type" },
        { "location", """{"coordinates":[12,51]}""", "location.type" },
        { "location", """{"type":"Point"}""", "location.coordinates" },
        { "location", """{"type":"Point","coordinates":[12]}""", "location.coordinates" },
        { "location", """{"type":"Point","coordinates":[12,51,3]}""", "location.coordinates" },
        { "location", """{"type":"Point","coordinates":[180.1,51]}""", "location.coordinates[0]" },
        { "location", """{"type":"Point","coordinates":[12,-90.5]}""", "location.coordinates[1]" },
        { "location", """{"type":"Point","coordinates":["12",51]}""", "location.coordinates[0]" },
        { "location", """{"type":"Point","coordinates":[12,51],"bbox":[]}""", "location.bbox" },
        { "tags", "\"a\"", "tags" },
        { "tags", "[\"a\",\"\"]", "tags[1]" },
        { "tags", "[\"a\",null]", "tags[1]" },
        { "tags", "[\"a\",5]", "tags[1]" },
        { "tags", "[\"a\",\"a\"]", "tags" },
        { "tags", $"[\"{new string('x', 51)}\"]", "tags[0]" },
        { "tags", $"[{string.Join(',', Enumerable.Range(0, 51).Select(i => $"\"t{i}\""))}]", "tags" },
        { "tariffId", "\"nonsense\"", "tariffId" },
        { "tariffId", "\"0199d6a8-0000-7000-8000-000000000000\"", "tariffId" },
        { "carbonIntensityKgPerKwh", "-0.1", "carbonIntensityKgPerKwh" },
        { "carbonIntensityKgPerKwh", "11", "carbonIntensityKgPerKwh" },
        { "colour", "\"red\"", "colour" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_member_is_named_on_create_replace_and_patch(string member, string? json, string path)
    {
        var admin = await api.MemberAsync();
        var good = $"{Member.Buildings}/{await admin.AddBuildingAsync()}";
        var bad = Valid.With(Valid.Building(), member, json);
        await NamesAsync(await admin.PostAsync(Member.Buildings, bad), path);
        await NamesAsync(await admin.PutAsync(good, bad), path);
        await NamesAsync(await admin.PatchAsync(good, $"{{\"{member}\":{json ?? "null"}}}"), path);
        (await admin.ReadAllAsync(Member.Buildings)).ShouldHaveSingleItem().GetProperty("version").GetInt32().ShouldBe(1);
    }

    [Fact]
    public async Task Everything_wrong_is_told_at_once()
    {
        var admin = await api.MemberAsync();
        var problem = await (await admin.PostAsync(Member.Buildings, """{"use":"castle","floorAreaM2":0}""")).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldBe(["name", "use", "floorAreaM2", "timeZone"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("UTC")]
    [InlineData("Asia/Kolkata")]
    [InlineData("America/Argentina/Buenos_Aires")]
    [InlineData("Etc/GMT+3")]
    [InlineData("Europe/Kyiv")]
    public async Task Every_iana_zone_is_good(string timeZone)
    {
        var admin = await api.MemberAsync();
        await admin.AddBuildingAsync(Valid.With(Valid.Building(), new { timeZone }));
    }

    [Theory]
    [InlineData("""{"address":{"city":"Halle"}}""", """{"street":"Markt 1","city":"Halle","postalCode":"04109","country":"DE"}""", "address")]
    [InlineData("""{"address":{"street":null,"city":null}}""", """{"street":null,"city":null,"postalCode":"04109","country":"DE"}""", "address")]
    [InlineData("""{"address":null}""", "", "address")]
    [InlineData("""{"location":{"coordinates":[13,52]}}""", """{"type":"Point","coordinates":[13,52]}""", "location")]
    [InlineData("""{"location":null}""", "", "location")]
    [InlineData("""{"tags":["a"]}""", """["a"]""", "tags")]
    [InlineData("""{"tags":null}""", "[]", "tags")]
    [InlineData("""{"floors":null}""", "", "floors")]
    [InlineData("""{"code":null}""", "", "code")]
    [InlineData("""{}""", "RH-1", "code")]
    public async Task A_patch_changes_what_it_names(string patch, string expected, string member)
    {
        var admin = await api.MemberAsync();
        var path = $"{Member.Buildings}/{await admin.AddBuildingAsync(Full)}";
        using var patched = await admin.PatchAsync(path, patch);
        (await patched.ReadAsync(HttpStatusCode.OK)).GetProperty(member).ToString().ShouldBe(expected);
        (await admin.ReadAsync(path)).GetProperty(member).ToString().ShouldBe(expected);
    }

    [Fact]
    public async Task A_replacement_forgets_what_it_does_not_name()
    {
        var admin = await api.MemberAsync();
        var path = $"{Member.Buildings}/{await admin.AddBuildingAsync(Full)}";
        using var put = await admin.PutAsync(path, Valid.Building());
        var read = await put.ReadAsync(HttpStatusCode.OK);
        read.GetProperty("address").ValueKind.ShouldBe(JsonValueKind.Null);
        read.GetProperty("location").ValueKind.ShouldBe(JsonValueKind.Null);
        read.GetProperty("tags").GetArrayLength().ShouldBe(0);
        read.GetProperty("name").GetString().ShouldBe("Town hall");
    }

    [Fact]
    public async Task A_building_with_sensors_goes_only_with_them()
    {
        var admin = await api.MemberAsync();
        var (gone, stays) = (await admin.AddBuildingAsync(), await admin.AddBuildingAsync());
        var (first, second, other) = (await admin.AddSensorAsync(gone), await admin.AddSensorAsync(gone), await admin.AddSensorAsync(stays));
        foreach (var sensor in new[] { first, second, other })
        {
            await api.StoreReadingAsync(sensor, DateTimeOffset.UnixEpoch.AddYears(50), 1);
        }

        var keys = await api.ScalarAsync<int[]>("SELECT array_agg(key) FROM sensors WHERE building_id = ANY ($1)", new[] { gone, stays });
        (await api.ScalarAsync<long>("SELECT count(*) FROM readings WHERE sensor_key = ANY ($1)", keys)).ShouldBe(3);
        await (await admin.DeleteAsync($"{Member.Buildings}/{gone}")).ReadProblemAsync(HttpStatusCode.Conflict);
        await (await admin.DeleteAsync($"{Member.Buildings}/{gone}?cascade=false")).ReadProblemAsync(HttpStatusCode.Conflict);
        await (await admin.DeleteAsync($"{Member.Buildings}/{gone}?cascade=perhaps")).ReadProblemAsync(HttpStatusCode.BadRequest);
        await (await admin.DeleteAsync($"{Member.Buildings}/{gone}?cascade=true", "\"old\"")).ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        (await admin.DeleteAsync($"{Member.Buildings}/{gone}?cascade=true")).StatusCode.ShouldBe(HttpStatusCode.NoContent);

        (await admin.GetAsync($"{Member.Sensors}/{first}")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await admin.ReadAllAsync(Member.Sensors)).ShouldHaveSingleItem().GetProperty("id").GetGuid().ShouldBe(other);
        (await api.ScalarAsync<long>("SELECT count(*) FROM readings WHERE sensor_key = ANY ($1)", keys)).ShouldBe(1);
        (await api.EventsAsync(admin.OrganizationId)).TakeLast(3).ShouldBe(["sensor.deleted", "sensor.deleted", "building.deleted"]);
        (await admin.DeleteAsync($"{Member.Sensors}/{other}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await admin.DeleteAsync($"{Member.Buildings}/{stays}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task The_sensors_of_a_building_are_listed_in_pages()
    {
        var admin = await api.MemberAsync();
        var (building, other) = (await admin.AddBuildingAsync(), await admin.AddBuildingAsync());
        var mine = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            mine.Add(await admin.AddSensorAsync(building));
            await admin.AddSensorAsync(other);
        }

        var path = $"{Member.Buildings}/{building}/sensors";
        (await admin.ReadAllAsync(path, limit: 2)).Select(s => s.GetProperty("id").GetGuid()).ShouldBe(mine);
        await (await admin.GetAsync($"{Member.Buildings}/{Guid.CreateVersion7()}/sensors")).ReadProblemAsync(HttpStatusCode.NotFound);
        var stranger = await api.MemberAsync();
        await (await stranger.GetAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);
        await (await stranger.GetAsync($"{Member.Buildings}/{building}/summary")).ReadProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_summary_tells_states_energy_and_newest_readings()
    {
        var admin = await api.MemberAsync();
        var building = await admin.AddBuildingAsync(Valid.With(Valid.Building(), new { timeZone = "UTC" }));
        var now = TimeProvider.System.GetUtcNow();
        var meter = await admin.AddSensorAsync(building, new { name = "Meter", intervalSeconds = 3600 });
        var room = await admin.AddSensorAsync(building, new { name = "Room", quantity = "temperature" });
        var old = await admin.AddSensorAsync(building, new { name = "Old", quantity = "co2" });
        await admin.AddSensorAsync(building, new { name = "New", quantity = "humidity" });
        var hour = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, TimeSpan.Zero);
        await api.StoreReadingAsync(meter, hour, 12.5);
        await api.StoreReadingAsync(room, now.AddHours(-5), 21);
        await api.StoreReadingAsync(old, now.AddDays(-40), 900);

        var summary = await admin.ReadAsync($"{Member.Buildings}/{building}/summary");
        summary.GetProperty("sensors").ToString().ShouldBe("""{"total":4,"online":1,"stale":1,"offline":1,"never":1}""");
        summary.GetProperty("openAlerts").GetInt32().ShouldBe(0);
        summary.GetProperty("lastReadings").EnumerateArray().Select(r => r.GetProperty("name").GetString()).ShouldBe(["Meter", "Room", "Old"]);
        var today = summary.GetProperty("energy").GetProperty("today");
        today.GetProperty("from").GetDateTimeOffset().ShouldBe(new DateTimeOffset(now.Date, TimeSpan.Zero));
        // The hour is not over: its part up to now counts.
        today.GetProperty("kwh").GetDouble().ShouldBeInRange(0, 12.5);
        summary.GetProperty("energy").GetProperty("thisMonth").GetProperty("from").GetDateTimeOffset().Day.ShouldBe(1);
    }

    private static async Task NamesAsync(HttpResponseMessage answer, string path)
    {
        var problem = await answer.ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").EnumerateObject().Select(e => e.Name).ShouldContain(path, problem.ToString());
    }
}
