using System.Net;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Api.Http;

/// <summary>What holds for buildings and sensors alike.</summary>
public sealed class ConventionTests(CityApi api) : IClassFixture<CityApi>
{
    private static readonly string[] Kinds = ["building", "sensor"];

    public static TheoryData<string> Both => [.. Kinds];

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_resource_is_created_read_replaced_patched_and_deleted(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        using var created = await admin.PostAsync(list, body);
        var first = await created.ReadAsync(HttpStatusCode.Created);
        var path = created.Headers.Location!.ToString();
        path.ShouldBe($"{list}/{first.GetProperty("id").GetGuid()}");
        first.GetProperty("version").GetInt32().ShouldBe(1);
        first.GetProperty("createdAt").GetString().ShouldEndWith("Z");
        first.GetProperty("id").GetGuid().Version.ShouldBe(7);

        using var read = await admin.GetAsync(path);
        (await read.ReadAsync(HttpStatusCode.OK)).ToString().ShouldBe(first.ToString());
        read.Headers.ETag!.ToString().ShouldBe(created.Headers.ETag!.ToString());
        read.Headers.ETag.IsWeak.ShouldBeFalse();
        read.Headers.CacheControl!.ToString().ShouldBe("no-cache, private");

        using var replaced = await admin.PutAsync(path, Valid.With(body, new { name = "Replaced" }), created.Headers.ETag.ToString());
        var second = await replaced.ReadAsync(HttpStatusCode.OK);
        second.GetProperty("name").GetString().ShouldBe("Replaced");
        second.GetProperty("version").GetInt32().ShouldBe(2);
        second.GetProperty("createdAt").GetString().ShouldBe(first.GetProperty("createdAt").GetString());

        using var patched = await admin.PatchAsync(path, new { name = "Patched" }, replaced.Headers.ETag!.ToString());
        (await patched.ReadAsync(HttpStatusCode.OK)).GetProperty("version").GetInt32().ShouldBe(3);
        (await admin.ReadAsync(path)).GetProperty("name").GetString().ShouldBe("Patched");

        (await admin.DeleteAsync(path, replaced.Headers.ETag.ToString())).StatusCode.ShouldBe(HttpStatusCode.PreconditionFailed);
        (await admin.DeleteAsync(path, patched.Headers.ETag!.ToString())).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await (await admin.GetAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);
        await (await admin.DeleteAsync(path)).ReadProblemAsync(HttpStatusCode.NotFound);
        (await api.EventsAsync(admin.OrganizationId)).Where(e => e.StartsWith(kind, StringComparison.Ordinal))
            .ShouldBe([$"{kind}.created", $"{kind}.updated", $"{kind}.updated", $"{kind}.deleted"]);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Writes_must_name_the_version_that_they_change(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        using var created = await admin.PostAsync(list, body);
        var (path, etag) = (created.Headers.Location!.ToString(), created.Headers.ETag!.ToString());

        await (await admin.PutAsync(path, body, ifMatch: null)).ReadProblemAsync(HttpStatusCode.PreconditionRequired);
        await (await admin.PatchAsync(path, new { name = "x" }, ifMatch: null)).ReadProblemAsync(HttpStatusCode.PreconditionRequired);
        foreach (var (header, status) in new[] { ($"W/{etag}", 412), ("\"made up\"", 412), ("made up", 400), (etag.Trim('"'), 400) })
        {
            await (await admin.PatchAsync(path, new { name = "x" }, header)).ReadProblemAsync((HttpStatusCode)status);
            await (await admin.PutAsync(path, body, header)).ReadProblemAsync((HttpStatusCode)status);
            await (await admin.DeleteAsync(path, header)).ReadProblemAsync((HttpStatusCode)status);
        }

        (await admin.PatchAsync(path, new { name = "y" }, $"\"other\", {etag}")).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await admin.PatchAsync(path, new { name = "z" }, etag)).ReadProblemAsync(HttpStatusCode.PreconditionFailed);
        (await admin.ReadAsync(path)).GetProperty("name").GetString().ShouldBe("y");
        (await admin.PatchAsync(path, new { name = "z" }, "*")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Of_two_writers_of_one_version_one_wins(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        using var created = await admin.PostAsync(list, body);
        var (path, etag) = (created.Headers.Location!.ToString(), created.Headers.ETag!.ToString());
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => admin.PatchAsync(path, new { name = $"Writer {i}" }, etag)));
        answers.Count(a => a.StatusCode == HttpStatusCode.OK).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.PreconditionFailed).ShouldBe(7);
        (await admin.ReadAsync(path)).GetProperty("version").GetInt32().ShouldBe(2);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_patch_without_effect_changes_no_version_and_tells_nothing(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        using var created = await admin.PostAsync(list, body);
        using var patched = await admin.PatchAsync(created.Headers.Location!.ToString(), new { name = body["name"] });
        patched.StatusCode.ShouldBe(HttpStatusCode.OK);
        patched.Headers.ETag.ShouldBe(created.Headers.ETag);
        (await api.EventsAsync(admin.OrganizationId)).ShouldNotContain($"{kind}.updated");
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Reads_that_change_nothing_cost_304(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        using var created = await admin.PostAsync(list, body);
        var path = created.Headers.Location!.ToString();
        foreach (var address in new[] { path, list, $"{list}?limit=7" })
        {
            using var read = await admin.GetAsync(address);
            var etag = read.Headers.ETag!.ToString();
            foreach (var known in new[] { etag, $"W/{etag}", $"\"x\", {etag}", "*" })
            {
                using var again = await admin.GetAsync(address, ("If-None-Match", known));
                again.StatusCode.ShouldBe(HttpStatusCode.NotModified, $"{address} {known}");
                again.Headers.ETag!.ToString().ShouldBe(etag);
                (await again.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
            }

            (await admin.GetAsync(address, ("If-None-Match", "\"x\""))).StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        using var before = await admin.GetAsync(list);
        await admin.PatchAsync(path, new { name = "Another name" });
        (await admin.GetAsync(list, ("If-None-Match", before.Headers.ETag!.ToString()))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_foreign_resource_answers_like_one_that_does_not_exist(string kind)
    {
        var (owner, list, body) = await StartAsync(kind);
        using var created = await owner.PostAsync(list, body);
        var stranger = await api.MemberAsync();
        var foreign = created.Headers.Location!.ToString();
        var missing = $"{list}/{Guid.CreateVersion7()}";
        var withoutId = new[] { foreign, missing };
        foreach (var method in new[] { "GET", "PUT", "PATCH", "DELETE" })
        {
            var answers = new List<string>();
            foreach (var path in withoutId)
            {
                using var answer = await stranger.SendAsync(
                    new HttpMethod(method), path, method is "PUT" or "PATCH" ? body : null, headers: [("If-Match", created.Headers.ETag!.ToString())]);
                var problem = await answer.ReadProblemAsync(HttpStatusCode.NotFound);
                answers.Add(problem.GetProperty("detail").GetString()!);
            }

            answers[0].ShouldBe(answers[1]);
        }

        (await stranger.ReadAllAsync(list)).ShouldBeEmpty();
        (await owner.ReadAsync(foreign)).GetProperty("version").GetInt32().ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Roles_decide_who_reads_writes_and_deletes(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        var manager = await api.MemberAsync(Role.Manager, admin.OrganizationId);
        var user = await api.MemberAsync(Role.User, admin.OrganizationId);
        using var created = await manager.PostAsync(list, body);
        created.StatusCode.ShouldBe(HttpStatusCode.Created);
        var path = created.Headers.Location!.ToString();

        (await user.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await user.GetAsync(list)).StatusCode.ShouldBe(HttpStatusCode.OK);
        await (await user.PostAsync(list, body)).ReadProblemAsync(HttpStatusCode.Forbidden);
        await (await user.PutAsync(path, body)).ReadProblemAsync(HttpStatusCode.Forbidden);
        await (await user.PatchAsync(path, new { name = "x" })).ReadProblemAsync(HttpStatusCode.Forbidden);
        await (await user.DeleteAsync(path)).ReadProblemAsync(HttpStatusCode.Forbidden);
        (await manager.PatchAsync(path, new { name = "x" })).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await manager.DeleteAsync(path)).StatusCode.ShouldBe(kind == "sensor" ? HttpStatusCode.NoContent : HttpStatusCode.Forbidden);

        using var stranger = api.Stranger();
        using var unauthorized = await stranger.GetAsync(list);
        await unauthorized.ReadProblemAsync(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Bodies_that_are_no_resource_are_refused(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        using var created = await admin.PostAsync(list, body);
        var path = created.Headers.Location!.ToString();
        foreach (var text in new[] { "", "{", "[]", "null", "\"x\"", "1", "{\"name\":\"a\",\"name\":\"b\"}", "{\"name\":\"\\ud800\"}", "{\"nmae\":\"x\"}", "{\"nmae\":null}", "{\"name\":7}" })
        {
            await (await admin.PostAsync(list, text)).ReadProblemAsync(HttpStatusCode.BadRequest);
            await (await admin.PutAsync(path, text)).ReadProblemAsync(HttpStatusCode.BadRequest);
            await (await admin.PatchAsync(path, text)).ReadProblemAsync(HttpStatusCode.BadRequest);
        }

        foreach (var type in new[] { "application/json-patch+json", "text/plain", "application/xml" })
        {
            await (await admin.PatchAsync(path, "[]", contentType: type)).ReadProblemAsync(HttpStatusCode.UnsupportedMediaType);
            await (await admin.SendAsync(HttpMethod.Post, list, body, type)).ReadProblemAsync(HttpStatusCode.UnsupportedMediaType);
            await (await admin.SendAsync(HttpMethod.Put, path, body, type, ("If-Match", "*"))).ReadProblemAsync(HttpStatusCode.UnsupportedMediaType);
        }

        await (await admin.SendAsync(HttpMethod.Put, path, body, "application/merge-patch+json", ("If-Match", "*")))
            .ReadProblemAsync(HttpStatusCode.UnsupportedMediaType);
        var huge = Valid.With(body, new { name = new string('x', 300_000) });
        await (await admin.PostAsync(list, huge)).ReadProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        await (await admin.PutAsync(path, huge)).ReadProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        (await admin.PatchAsync(path, "{}", contentType: "application/json; charset=utf-8")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await admin.ReadAllAsync(list)).Count.ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task What_was_read_can_be_put_back(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        using var created = await admin.PostAsync(list, body);
        var path = created.Headers.Location!.ToString();
        var read = await admin.ReadAsync(path);
        using var put = await admin.PutAsync(path, read.ToString(), created.Headers.ETag!.ToString());
        (await put.ReadAsync(HttpStatusCode.OK)).ToString().ShouldBe(read.ToString());

        var other = read.ToString().Replace(read.GetProperty("id").GetString()!, Guid.CreateVersion7().ToString(), StringComparison.Ordinal);
        (await (await admin.PutAsync(path, other)).ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("id", out _).ShouldBeTrue();
        foreach (var member in new[] { "id", "version", "createdAt", "updatedAt" })
        {
            var patch = new Dictionary<string, object?> { [member] = read.GetProperty(member) };
            (await (await admin.PatchAsync(path, patch)).ReadProblemAsync(HttpStatusCode.BadRequest))
                .GetProperty("errors").TryGetProperty(member, out _).ShouldBeTrue(member);
            await (await admin.PostAsync(list, Valid.With(body, member, read.GetProperty(member).GetRawText()))).ReadProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Pages_neither_skip_nor_repeat_while_rows_come_and_go(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        var ids = new List<Guid>();
        for (var i = 0; i < 10; i++)
        {
            using var created = await admin.PostAsync(list, Valid.With(body, new { name = $"Row {i}" }));
            ids.Add((await created.ReadAsync(HttpStatusCode.Created)).GetProperty("id").GetGuid());
        }

        var seen = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await admin.ReadAsync($"{list}?limit=3{(cursor is null ? "" : $"&cursor={cursor}")}");
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("nextCursor").GetString();
            if (seen.Count == 3)
            {
                (await admin.DeleteAsync($"{list}/{ids[0]}")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
                (await admin.PostAsync(list, Valid.With(body, new { name = "Late" }))).StatusCode.ShouldBe(HttpStatusCode.Created);
            }
        }
        while (cursor is not null);

        seen.Count.ShouldBe(11);
        seen.Take(10).ShouldBe(ids);
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Limits_and_cursors_are_taken_as_they_are_or_refused(string kind)
    {
        var (admin, list, body) = await StartAsync(kind);
        for (var i = 0; i < 3; i++)
        {
            await admin.PostAsync(list, body);
        }

        foreach (var limit in new[] { "0", "-1", "501", "abc", "1.5", "99999999999" })
        {
            var problem = await (await admin.GetAsync($"{list}?limit={limit}")).ReadProblemAsync(HttpStatusCode.BadRequest);
            problem.GetProperty("errors").TryGetProperty("limit", out _).ShouldBeTrue(problem.ToString());
        }

        (await admin.ReadAsync($"{list}?limit=500")).GetProperty("nextCursor").ValueKind.ShouldBe(JsonValueKind.Null);
        (await admin.ReadAsync($"{list}?limit=3")).GetProperty("nextCursor").ValueKind.ShouldBe(JsonValueKind.Null);
        var cursor = (await admin.ReadAsync($"{list}?limit=1")).GetProperty("nextCursor").GetString()!;
        (await admin.ReadAsync($"{list}?limit=2&cursor={cursor}")).GetProperty("items").GetArrayLength().ShouldBe(2);
        var stranger = await api.MemberAsync();
        foreach (var bad in new[] { "", "x", cursor[..^1], cursor + "A", (cursor[0] == 'A' ? "B" : "A") + cursor[1..] })
        {
            await (await admin.GetAsync($"{list}?cursor={bad}")).ReadProblemAsync(HttpStatusCode.BadRequest);
        }

        await (await admin.GetAsync($"{list}?q=x&cursor={cursor}")).ReadProblemAsync(HttpStatusCode.BadRequest);
        await (await stranger.GetAsync($"{list}?cursor={cursor}")).ReadProblemAsync(HttpStatusCode.BadRequest);
        var other = list == Member.Buildings ? Member.Sensors : Member.Buildings;
        await (await admin.GetAsync($"{other}?cursor={cursor}")).ReadProblemAsync(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("100%", "100% Club")]
    [InlineData("a_b", "a_b")]
    [InlineData("\\", "back\\slash")]
    [InlineData("ÜBER", "Haus über dem See")]
    [InlineData("100% cl", "100% Club")]
    public async Task A_search_takes_every_letter_as_it_is(string q, string expected)
    {
        foreach (var kind in Kinds)
        {
            var (admin, list, body) = await StartAsync(kind);
            foreach (var name in new[] { "100% Club", "1000 Clubs", "a_b", "acb", "back\\slash", "Haus über dem See" })
            {
                (await admin.PostAsync(list, Valid.With(body, new { name }))).StatusCode.ShouldBe(HttpStatusCode.Created);
            }

            (await admin.ReadAllAsync($"{list}?q={Uri.EscapeDataString(q)}")).Select(i => i.GetProperty("name").GetString()).ShouldBe([expected]);
            (await admin.ReadAllAsync($"{list}?q=")).Count.ShouldBe(6);
            await (await admin.GetAsync($"{list}?q=%00")).ReadProblemAsync(HttpStatusCode.BadRequest);
        }
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task An_id_that_is_none_is_not_found(string kind)
    {
        var (admin, list, _) = await StartAsync(kind);
        await (await admin.GetAsync($"{list}/nonsense")).ReadProblemAsync(HttpStatusCode.NotFound);
        using var wrong = await admin.PostAsync($"{list}/{Guid.CreateVersion7()}", "{}");
        await wrong.ReadProblemAsync(HttpStatusCode.MethodNotAllowed);
        wrong.Content.Headers.Allow.ShouldContain("PATCH");
    }

    private async Task<(Member Admin, string List, Dictionary<string, object?> Body)> StartAsync(string kind)
    {
        var admin = await api.MemberAsync();
        return kind == "building"
            ? (admin, Member.Buildings, Valid.Building())
            : (admin, Member.Sensors, Valid.Sensor(await admin.AddBuildingAsync()));
    }
}
