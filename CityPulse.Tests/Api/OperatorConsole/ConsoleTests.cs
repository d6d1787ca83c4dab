using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Shouldly;

namespace CityPulse.Tests.Api.OperatorConsole;

public sealed partial class ConsoleTests(CityApi api) : IClassFixture<CityApi>, IDisposable
{
    private readonly HttpClient _client = api.Stranger();

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task The_page_comes_without_login_and_allows_only_its_own_files()
    {
        using var page = await GetAsync("/");

        page.StatusCode.ShouldBe(HttpStatusCode.OK);
        page.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
        page.Headers.GetValues("Content-Security-Policy").Single().ShouldContain("default-src 'self'");
    }

    [Fact]
    public async Task Every_file_of_the_page_is_there_and_needs_nothing_that_the_policy_forbids()
    {
        var html = await TextAsync("/");
        InlineCode().IsMatch(html).ShouldBeFalse("inline scripts, styles and handlers are blocked");
        Elsewhere().IsMatch(html).ShouldBeFalse("nothing comes from another place");

        var pending = new Queue<string>(Attributes().Matches(html).Select(match => "/" + match.Groups[1].Value));
        var seen = new HashSet<string>();
        while (pending.TryDequeue(out var path))
        {
            if (!seen.Add(path))
            {
                continue;
            }

            var text = await TextAsync(path);
            text.ShouldNotContain("innerHTML", customMessage: path);
            text.ShouldNotContain("insertAdjacentHTML", customMessage: path);
            foreach (Match import in Imports().Matches(text))
            {
                pending.Enqueue(new Uri(new Uri(_client.BaseAddress!, path), import.Groups[1].Value).AbsolutePath);
            }
        }

        seen.ShouldContain("/citypulse-live.js");
        seen.Count.ShouldBeGreaterThan(8);
    }

    [Fact]
    public async Task A_browser_that_has_a_file_is_told_so()
    {
        using var first = await GetAsync("/console/console.js");
        first.Headers.CacheControl!.NoCache.ShouldBeTrue();

        using var second = await GetAsync("/console/console.js", first.Headers.ETag);

        second.StatusCode.ShouldBe(HttpStatusCode.NotModified);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_a_problem_like_any_other()
    {
        using var missing = await GetAsync("/console/nothing.js");

        missing.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        missing.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
    }

    private async Task<string> TextAsync(string path)
    {
        using var response = await GetAsync(path);
        response.StatusCode.ShouldBe(HttpStatusCode.OK, path);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private async Task<HttpResponseMessage> GetAsync(string path, EntityTagHeaderValue? known = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (known is not null)
        {
            request.Headers.IfNoneMatch.Add(known);
        }

        return await _client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    [GeneratedRegex("<script(?![^>]*\\bsrc=)|<style|\\sstyle=|\\son[a-z]+=", RegexOptions.IgnoreCase)]
    private static partial Regex InlineCode();

    [GeneratedRegex("(?:src|href)=\"(?:https?:)?//", RegexOptions.IgnoreCase)]
    private static partial Regex Elsewhere();

    [GeneratedRegex("(?:src|href)=\"([^\"#]+\\.(?:js|css|svg))\"")]
    private static partial Regex Attributes();

    [GeneratedRegex("from '([^']+)'")]
    private static partial Regex Imports();
}
