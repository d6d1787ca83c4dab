using System.Globalization;
using System.Net;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Buildings;

public sealed class BuildingListTests(CityApi api) : IClassFixture<CityApi>
{
    [Theory]
    [InlineData("", "Berlin Fiji Leipzig Nowhere Paris Tonga")]
    [InlineData("use=school", "Paris")]
    [InlineData("tag=old", "Berlin Leipzig")]
    [InlineData("tag=ol", "")]
    [InlineData("tag=old&use=office&q=ber", "Berlin")]
    [InlineData("q=i", "Berlin Fiji Leipzig Paris")]
    [InlineData("bbox=12,51,14,53", "Berlin Leipzig")]
    [InlineData("bbox=13.405,52.52,13.405,52.52", "Berlin")]
    [InlineData("bbox=-180,-90,180,90", "Berlin Fiji Leipzig Paris Tonga")]
    [InlineData("bbox=170,-30,-170,-10", "Fiji Tonga")]
    [InlineData("bbox=-170,-30,170,-10", "")]
    [InlineData("bbox=170,-30,180,-10", "Fiji")]
    [InlineData("near=13.405,52.52&radiusM=1", "Berlin")]
    [InlineData("near=13.0,52.0&radiusM=150000", "Berlin Leipzig")]
    [InlineData("near=180,-19&radiusM=600000", "Fiji Tonga")]
    [InlineData("near=-180,-19&radiusM=600000", "Fiji Tonga")]
    [InlineData("near=13,52&radiusM=20015115", "Berlin Fiji Leipzig Paris Tonga")]
    [InlineData("near=13,52&radiusM=1000000&use=school", "Paris")]
    public async Task Buildings_are_found_by(string query, string names)
    {
        var admin = await CityAsync();
        var found = await admin.ReadAllAsync($"{Member.Buildings}?{query}", limit: 2);
        found.Select(Name).Order().ShouldBe(names.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task The_nearest_comes_first_across_pages()
    {
        var admin = await CityAsync();
        var found = await admin.ReadAllAsync($"{Member.Buildings}?near=12.4,51.3&radiusM=20015115", limit: 1);
        found.Select(Name).ShouldBe(["Leipzig", "Berlin", "Paris", "Fiji", "Tonga"]);
    }

    [Fact]
    public async Task Buildings_at_one_place_are_all_paged_through()
    {
        var admin = await api.MemberAsync();
        for (var i = 0; i < 5; i++)
        {
            await admin.AddBuildingAsync(Valid.With(Valid.Building($"B{i}"), "location", """{"type":"Point","coordinates":[7.1,50.7]}"""));
        }

        (await admin.ReadAllAsync($"{Member.Buildings}?near=7.0,50.7&radiusM=10000", limit: 2)).Select(Name).ShouldBe(["B0", "B1", "B2", "B3", "B4"]);
    }

    [Theory]
    [InlineData("use=castle", "use")]
    [InlineData("bbox=1,2,3", "bbox")]
    [InlineData("bbox=1,2,3,4,5", "bbox")]
    [InlineData("bbox=a,b,c,d", "bbox")]
    [InlineData("bbox=0,10,10,0", "bbox")]
    [InlineData("bbox=-181,0,0,10", "bbox")]
    [InlineData("bbox=0,0,10,91", "bbox")]
    [InlineData("bbox=NaN,0,10,10", "bbox")]
    [InlineData("near=13,52", "radiusM")]
    [InlineData("radiusM=100", "near")]
    [InlineData("near=13&radiusM=100", "near")]
    [InlineData("near=13,91&radiusM=100", "near")]
    [InlineData("near=NaN,0&radiusM=100", "near")]
    [InlineData("near=13,52&radiusM=0", "radiusM")]
    [InlineData("near=13,52&radiusM=-5", "radiusM")]
    [InlineData("near=13,52&radiusM=abc", "radiusM")]
    [InlineData("near=13,52&radiusM=NaN", "radiusM")]
    [InlineData("near=13,52&radiusM=Infinity", "radiusM")]
    [InlineData("tag=%00", "tag")]
    public async Task A_wrong_filter_is_named(string query, string path)
    {
        var admin = await api.MemberAsync();
        var problem = await (await admin.GetAsync($"{Member.Buildings}?{query}")).ReadProblemAsync(HttpStatusCode.BadRequest);
        problem.GetProperty("errors").TryGetProperty(path, out _).ShouldBeTrue(problem.ToString());
    }

    [Fact]
    public async Task GeoJson_is_given_to_those_who_ask_for_it()
    {
        var admin = await CityAsync();
        using var answer = await admin.GetAsync($"{Member.Buildings}?limit=4", ("Accept", "application/geo+json"));
        var collection = await answer.ReadAsync(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/geo+json");
        answer.Headers.Vary.ShouldContain("Accept");
        collection.GetProperty("type").GetString().ShouldBe("FeatureCollection");
        var features = collection.GetProperty("features").EnumerateArray().ToList();
        features.Count.ShouldBe(4);
        features.ShouldAllBe(f => f.GetProperty("type").GetString() == "Feature");
        var berlin = features.Single(f => f.GetProperty("properties").GetProperty("name").GetString() == "Berlin");
        berlin.GetProperty("geometry").ToString().ShouldBe("""{"type":"Point","coordinates":[13.405,52.52]}""");
        berlin.GetProperty("properties").GetProperty("floorAreaM2").GetDouble().ShouldBe(1200.5);
        features.Single(f => f.GetProperty("geometry").ValueKind == JsonValueKind.Null).GetProperty("properties").GetProperty("name").GetString().ShouldBe("Nowhere");

        using var next = await admin.GetAsync(
            $"{Member.Buildings}?limit=4&cursor={collection.GetProperty("nextCursor").GetString()}", ("Accept", "application/geo+json"));
        (await next.ReadAsync(HttpStatusCode.OK)).GetProperty("features").GetArrayLength().ShouldBe(2);
        using var known = await admin.GetAsync(
            $"{Member.Buildings}?limit=4", ("Accept", "application/geo+json"), ("If-None-Match", answer.Headers.ETag!.ToString()));
        known.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Theory]
    [InlineData("application/json", "application/json")]
    [InlineData("*/*", "application/json")]
    [InlineData("text/html", "application/json")]
    [InlineData("application/geo+json;q=0.5, application/json", "application/json")]
    [InlineData("application/geo+json, application/json;q=0.5", "application/geo+json")]
    [InlineData("text/html, application/geo+json;q=0.9, */*;q=0.1", "application/geo+json")]
    [InlineData("application/geo+json;q=0, */*", "application/json")]
    public async Task The_accept_header_decides(string accept, string expected)
    {
        var admin = await api.MemberAsync();
        using var answer = await admin.GetAsync(Member.Buildings, ("Accept", accept));
        answer.Content.Headers.ContentType!.MediaType.ShouldBe(expected);
    }

    private async Task<Member> CityAsync()
    {
        var admin = await api.MemberAsync();
        await AddAsync("Berlin", 13.405, 52.52, "office", "old");
        await AddAsync("Leipzig", 12.3747, 51.3402, "public", "old");
        await AddAsync("Paris", 2.3522, 48.8566, "school", "new");
        await admin.AddBuildingAsync(Valid.Building("Nowhere"));
        await AddAsync("Fiji", 178.4419, -18.1416, "retail", "isle");
        await AddAsync("Tonga", -175.2018, -21.1394, "retail", "isle");
        return admin;

        Task<Guid> AddAsync(string name, double longitude, double latitude, string use, string tag) => admin.AddBuildingAsync(Valid.With(
            Valid.With(Valid.Building(name), new { use, tags = new[] { tag } }),
            "location",
            string.Create(CultureInfo.InvariantCulture, $$"""{"type":"Point","coordinates":[{{longitude}},{{latitude}}]}""")));
    }

    private static string Name(JsonElement building) => building.GetProperty("name").GetString()!;
}
