using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Security;

/// <summary>The conventions on every operation that the served document says they hold for, whichever slice it comes from.</summary>
public sealed class ConventionWalkTests(WalkedApi api) : IClassFixture<WalkedApi>
{
    private const int MostChanges = 5;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private HttpClient Client => api.Stranger.City.Client;

    [Fact]
    public async Task No_list_takes_a_cursor_that_it_did_not_give_out()
    {
        using var second = await SendAsync(HttpMethod.Post, "/api/v1/citypulse/buildings", api.Stranger.Body("POST /api/v1/citypulse/buildings").ToJsonString());
        second.StatusCode.ShouldBe(HttpStatusCode.Created);
        using var page = await Client.GetAsync("/api/v1/citypulse/buildings?limit=1", Cancel);
        var real = (await page.ReadAsync(HttpStatusCode.OK)).GetProperty("nextCursor").GetString()!;
        using (var next = await Client.GetAsync($"/api/v1/citypulse/buildings?cursor={real}", Cancel))
        {
            next.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        var lists = api.Document.Operations.Where(o => o.Method == "GET" && o.InQuery.Any(p => Is(p, "cursor"))).ToList();
        lists.Count.ShouldBeGreaterThan(4);
        foreach (var list in lists)
        {
            string[] wrong = ["", "x", "AAAA", $"{real}A", real[..^1], $"{(real[0] == 'A' ? 'B' : 'A')}{real[1..]}", .. list.Path == "/api/v1/citypulse/buildings" ? (string[])[] : [real]];
            foreach (var cursor in wrong)
            {
                using var answer = await Client.GetAsync($"{OwnPath(list)}?cursor={cursor}&{MadeUpCity.Query(list.Name)}", Cancel);
                (await answer.ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("cursor", out _).ShouldBeTrue($"{list.Name} {cursor}");
            }

            using var stranger = await api.Owner.City.Client.GetAsync($"{list.Path}?cursor={real}", Cancel);
            stranger.IsSuccessStatusCode.ShouldBeFalse(list.Name);
        }
    }

    [Fact]
    public async Task No_list_corrects_a_limit()
    {
        foreach (var list in api.Document.Operations.Where(o => o.Method == "GET" && o.InQuery.Any(p => Is(p, "limit"))))
        {
            foreach (var limit in (string[])["0", "-1", "1000000", "x", "1.5", "1e1", "99999999999999999999"])
            {
                using var answer = await Client.GetAsync($"{OwnPath(list)}?limit={limit}&{MadeUpCity.Query(list.Name)}", Cancel);
                (await answer.ReadProblemAsync(HttpStatusCode.BadRequest)).GetProperty("errors").TryGetProperty("limit", out _).ShouldBeTrue($"{list.Name} {limit}");
            }
        }
    }

    [Fact]
    public async Task Of_equal_posts_at_once_with_one_key_one_has_an_effect()
    {
        var creating = api.Document.Operations.Where(o => o.Method == "POST" && o.Parameters.Any(p => Is(p, "Idempotency-Key"))).ToList();
        creating.Count.ShouldBeGreaterThan(2);
        foreach (var operation in creating)
        {
            var body = api.Stranger.FreshBody(operation.Name).ToJsonString();
            var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SendAsync(HttpMethod.Post, OwnPath(operation), body, operation.MediaTypes[0], ("Idempotency-Key", "storm"))));
            var good = answers.Where(a => a.IsSuccessStatusCode).ToList();
            answers.Except(good).ShouldAllBe(a => a.StatusCode == HttpStatusCode.Conflict, operation.Name);
            good.Count(a => !a.Headers.Contains("Idempotency-Replayed")).ShouldBe(1, $"{operation.Name} {await answers[0].Content.ReadAsStringAsync(Cancel)}");
            good.Select(a => a.Headers.Location).Distinct().Count().ShouldBe(1, operation.Name);

            using var other = await SendAsync(HttpMethod.Post, OwnPath(operation), api.Stranger.FreshBody(operation.Name).ToJsonString(), operation.MediaTypes[0], ("Idempotency-Key", "storm"));
            other.StatusCode.ShouldBe(HttpStatusCode.UnprocessableEntity, operation.Name);
            Array.ForEach(answers, a => a.Dispose());
        }
    }

    [Fact]
    public async Task No_write_goes_past_a_version_that_it_does_not_name()
    {
        var before = await api.DumpAsync(api.Owner.City.OrganizationId);
        var writes = api.Document.Operations.Where(o => o.Method is "PUT" or "PATCH" or "DELETE").ToList();
        writes.Count.ShouldBeGreaterThan(6);
        foreach (var operation in writes)
        {
            var body = operation.MediaTypes.Count == 0 ? null : api.Owner.Body(operation.Name).ToJsonString();
            async Task ExpectAsync(HttpStatusCode status, params (string, string)[] headers)
            {
                using var answer = await SendAsync(new HttpMethod(operation.Method), OwnPath(operation, api.Owner), body, operation.MediaTypes is [var type, ..] ? type : null, api.Owner, headers);
                answer.StatusCode.ShouldBe(status, $"{operation.Name} {string.Join(' ', headers)} {await answer.Content.ReadAsStringAsync(Cancel)}");
            }

            if (operation.Parameters.Any(p => Is(p, "If-Match")))
            {
                await ExpectAsync(HttpStatusCode.PreconditionFailed, ("If-Match", "\"stale\""));
                await ExpectAsync(HttpStatusCode.PreconditionFailed, ("If-Match", "W/\"weak\""));
                await ExpectAsync(HttpStatusCode.BadRequest, ("If-Match", "bare"));
            }

            if (operation.Method is "PUT" or "PATCH")
            {
                await ExpectAsync(HttpStatusCode.PreconditionRequired);
            }
        }

        (await api.DumpAsync(api.Owner.City.OrganizationId)).ShouldBe(before);
    }

    [Fact]
    public async Task A_patch_is_a_merge_patch_of_known_members_or_nothing()
    {
        var patches = api.Document.Operations.Where(o => o.Method == "PATCH").ToList();
        patches.Count.ShouldBeGreaterThan(2);
        foreach (var operation in patches)
        {
            async Task<HttpResponseMessage> PatchAsync(string text, string type = "application/merge-patch+json") =>
                await SendAsync(HttpMethod.Patch, OwnPath(operation), text, type, ("If-Match", "*"));

            foreach (var text in (string[])["", "{", "[]", "null", "\"x\"", "1", "[{\"op\":\"remove\",\"path\":\"/name\"}]", "{\"nonsense\":1}", "{\"nonsense\":null}", "{\"version\":7}", "{\"id\":null}"])
            {
                using var answer = await PatchAsync(text);
                answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest, $"{operation.Name} {text}");
            }

            using (var wrong = await PatchAsync("[]", "application/json-patch+json"))
            {
                wrong.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType, operation.Name);
            }

            using var first = await PatchAsync("{}");
            using var second = await PatchAsync("{}", "application/json");
            first.StatusCode.ShouldBe(HttpStatusCode.OK, operation.Name);
            second.Headers.ETag.ShouldBe(first.Headers.ETag, $"{operation.Name}: nothing changed");
        }
    }

    [Fact]
    public async Task What_a_reader_has_is_304_whatever_it_was_packed_with()
    {
        var reads = api.Document.Operations.Where(o => o.Method == "GET" && o.Parameters.Any(p => Is(p, "If-None-Match"))).ToList();
        reads.Count.ShouldBeGreaterThan(6);
        foreach (var operation in reads)
        {
            var ids = string.Concat(operation.InQuery.Where(p => p.IsId && (p.IsRequired || MadeUpCity.Wants(operation.Name, p.Name))).Select(p => $"&{p.Name}={api.Owner.Id(MadeUpCity.KindOfName(p.Name))}"));
            var path = $"{OwnPath(operation, api.Owner)}?{MadeUpCity.Query(operation.Name)}{ids}";
            foreach (var encoding in (string[])["identity", "gzip", "br"])
            {
                using var read = await SendAsync(HttpMethod.Get, path, null, null, api.Owner, ("Accept-Encoding", encoding));
                read.StatusCode.ShouldBe(HttpStatusCode.OK, $"{path} {await read.Content.ReadAsStringAsync(Cancel)}");
                var tag = read.Headers.ETag.ShouldNotBeNull(path).ToString();
                read.Headers.CacheControl!.ToString().ShouldBe("no-cache, private", path);
                foreach (var asked in (string[])["identity", "gzip", "br"])
                {
                    var again = await SendAsync(HttpMethod.Get, path, null, null, api.Owner, ("Accept-Encoding", asked), ("If-None-Match", tag));
                    for (var changes = 0; changes < MostChanges && again.StatusCode == HttpStatusCode.OK; changes++)
                    {
                        // A minute or an hour may have begun in between, or a delivery been tried, and with it another answer.
                        tag = again.Headers.ETag.ShouldNotBeNull(path).ToString();
                        again.Dispose();
                        again = await SendAsync(HttpMethod.Get, path, null, null, api.Owner, ("Accept-Encoding", asked), ("If-None-Match", tag));
                    }

                    using var same = again;
                    same.StatusCode.ShouldBe(HttpStatusCode.NotModified, $"{path} read with {encoding}, asked with {asked}");
                    (await same.Content.ReadAsByteArrayAsync(Cancel)).ShouldBeEmpty();
                }
            }
        }
    }

    private static bool Is(ApiParameter parameter, string name) => parameter.Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    private string OwnPath(ApiOperation operation, MadeUpCity? of = null) => operation.PathWith(of ?? api.Stranger);

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body, string? type = "application/json", params (string Name, string Value)[] headers) =>
        SendAsync(method, path, body, type, api.Stranger, headers);

    private static async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body, string? type, MadeUpCity by, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type!);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value).ShouldBeTrue();
        }

        return await by.City.Client.SendAsync(request, Cancel);
    }
}
