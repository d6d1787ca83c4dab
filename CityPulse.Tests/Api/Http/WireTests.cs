using System.Net;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Http;

/// <summary>What every answer looks like on the wire, whatever the resource.</summary>
public sealed class WireTests(CityApi api) : IClassFixture<CityApi>
{
    [Fact]
    public async Task A_read_says_once_each_what_it_depends_on()
    {
        var admin = await api.MemberAsync();
        await admin.AddBuildingAsync();
        // Anew, and from what is kept.
        for (var i = 0; i < 2; i++)
        {
            using var answer = await admin.GetAsync(Member.Buildings, ("Origin", "http://localhost:5173"), ("Accept-Encoding", "gzip"));
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
            answer.Headers.Vary.Order().ShouldBe(["Accept", "Accept-Encoding", "Authorization", "Origin", "X-Frontend-Source"]);
            answer.Headers.CacheControl!.ToString().ShouldBe("no-cache, private");
            answer.Headers.GetValues("Access-Control-Allow-Origin").ShouldHaveSingleItem().ShouldBe("http://localhost:5173");
            answer.Headers.GetValues("Access-Control-Expose-Headers").ShouldHaveSingleItem().ShouldContain("RateLimit");
        }
    }

    [Fact]
    public async Task Json_that_is_too_deep_is_the_clients_fault()
    {
        var admin = await api.MemberAsync();
        var deep = $"{{\"name\":{new string('[', 500)}{new string(']', 500)}}}";
        await (await admin.PostAsync(Member.Buildings, deep)).ReadProblemAsync(HttpStatusCode.BadRequest);
        var building = await admin.AddBuildingAsync();
        await (await admin.PatchAsync($"{Member.Buildings}/{building}", deep)).ReadProblemAsync(HttpStatusCode.BadRequest);
        await (await admin.PutAsync($"{Member.Buildings}/{building}", deep)).ReadProblemAsync(HttpStatusCode.BadRequest);
        await (await admin.PostAsync($"{Member.Sensors}/readings", $"{{\"readings\":{deep}}}")).ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Head_is_get_without_the_body_also_for_kept_answers()
    {
        var admin = await api.MemberAsync();
        var path = $"{Member.Buildings}/{await admin.AddBuildingAsync()}";
        using var read = await admin.GetAsync(path);
        for (var i = 0; i < 2; i++)
        {
            using var head = await admin.SendAsync(HttpMethod.Head, path);
            head.StatusCode.ShouldBe(HttpStatusCode.OK);
            head.Headers.ETag.ShouldBe(read.Headers.ETag);
            head.Content.Headers.ContentLength.ShouldBe(read.Content.Headers.ContentLength);
            (await head.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task Options_without_a_page_behind_it_names_the_methods()
    {
        var admin = await api.MemberAsync();
        using var answer = await admin.SendAsync(HttpMethod.Options, Member.Buildings);
        await answer.ReadProblemAsync(HttpStatusCode.MethodNotAllowed);
        answer.Content.Headers.Allow.ShouldBe(["GET", "POST"], ignoreOrder: true);
    }
}
