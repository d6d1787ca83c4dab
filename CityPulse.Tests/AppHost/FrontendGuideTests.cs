using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.AppHost;

/// <summary>The code of <c>docs/frontend-guide.md</c> works as it is printed, against the whole stack.</summary>
[Collection(StackCollection.Name)]
public sealed class FrontendGuideTests(StackFixture stack)
{
    /// <summary>While two calls come back with 401, the session is renewed once.</summary>
    private const string Expired = """
        const real = globalThis.fetch;
        let renewals = 0;
        globalThis.fetch = (url, request) => {
          if (url.endsWith('/auth/refresh')) renewals++;
          else if (renewals === 0) request.headers.Authorization = 'Bearer expired';
          return real(url, request);
        };
        const both = await Promise.all([city.json('GET', '/api/v1/auth/me'), city.json('GET', '/api/v1/auth/me')]);
        globalThis.fetch = real;
        console.log('renewals', renewals, both.every(m => m.user.id === me.user.id));

        """;

    [Fact]
    public async Task The_program_does_what_the_guide_says()
    {
        using var packages = NodeScript.RequirePackages(("@microsoft/signalr", "10"), ("socket.io-client", "4"));
        var blocks = Blocks("js");
        blocks.Count.ShouldBeGreaterThan(8);
        using var node = NodeScript.Start(string.Concat([.. blocks.SkipLast(1), Expired, blocks[^1]]), packages.Folder);
        var said = await node.ReadToEndAsync();
        string[] expected =
        [
            "citypulse", @"^400 \[ 'name', 'use' \] \w+", "^true true$", "^Guide 1200$", "^304$", "^412$", "^1$", "^assistant: true true$", "^swarm: completed$",
            "^renewals 1 true$",
        ];
        foreach (var line in expected)
        {
            said.ShouldMatch($"(?m){line}");
        }

        // The two may overtake each other, and the answer of the call that stored the reading.
        said.ShouldMatch(@"(?s)SignalR readings.*value: 21\.5");
        said.ShouldMatch(@"(?s)Socket\.IO readings.*value: 21\.5");
    }

    [Fact]
    public async Task A_page_gets_its_session_from_the_cookie_again_after_a_reload()
    {
        await using var site = await ExampleSite.ServeAsync("cookie.html", $"<!doctype html>{Blocks("html").ShouldHaveSingleItem()}");
        await using var browser = await Browser.OpenAsync(new Uri($"{site.Urls.Single()}/cookie.html"));
        await ShowsTheNameAsync();
        (await LoginsAsync()).ShouldBe("1");
        await browser.EvaluateAsync("document.body.replaceChildren(), location.reload()");
        await ShowsTheNameAsync();
        (await LoginsAsync()).ShouldBe("0");

        Task ShowsTheNameAsync() => Eventually.TrueAsync(
            async () => (await browser.EvaluateAsync("document.body?.innerText"))?.Contains("Demo", StringComparison.OrdinalIgnoreCase) == true, "the page shows who is signed in");

        Task<string?> LoginsAsync() =>
            browser.EvaluateAsync("performance.getEntriesByType('resource').filter(e => e.initiatorType === 'fetch' && e.name.endsWith('/login')).length");
    }

    /// <summary>What the guide prints in a language, at the address of the stack.</summary>
    private IReadOnlyList<string> Blocks(string language) => [.. Markdown.Of("docs/frontend-guide.md").Blocks(language)
        .Select(block => block.Replace("http://localhost:8001", $"http://localhost:{stack.Door.Port}", StringComparison.Ordinal))];
}
