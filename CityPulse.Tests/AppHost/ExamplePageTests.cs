using CityPulse.Tests.Realtime;
using CityPulse.Tests.Support;

namespace CityPulse.Tests.AppHost;

/// <summary>The pages of <c>docs/examples</c> in a real browser, against the whole stack.</summary>
[Collection(StackCollection.Name)]
public sealed class ExamplePageTests(StackFixture stack)
{
    [Theory]
    [InlineData("live.html", false)]
    [InlineData("socketio.html", true)]
    public async Task A_page_logs_in_and_shows_a_reading_as_it_is_stored(string page, bool wantsSocketIo)
    {
        var packages = wantsSocketIo ? NodeScript.RequirePackage("socket.io-client", "4") : null;
        var city = await City.RegisterAsync(stack.CreateEdgeClient());
        await city.CreateSensorAsync(await city.CreateBuildingAsync(), "temperature", "t");
        await using var site = await ExampleSite.ServeAsync(packages);
        await using var browser = await Browser.OpenAsync(new Uri($"{site.Urls.Single()}/{page}"));
        await browser.EvaluateAsync($$"""
            const form = document.getElementById('login');
            form.elements.origin.value = '{{stack.Door.GetLeftPart(UriPartial.Authority)}}';
            form.elements.email.value = '{{city.Email}}';
            form.elements.password.value = '{{City.Password}}';
            form.querySelector('button').click();
            """);
        var at = TimeProvider.System.GetUtcNow().AddMinutes(-30);
        var (stored, shown) = (0, "");
        try
        {
            await Eventually.TrueAsync(
                async () =>
                {
                    await city.IngestAsync("t", (at.AddSeconds(stored++), 23.25));
                    return (shown = await browser.EvaluateAsync("document.body.innerText"))!.Contains("23.25", StringComparison.Ordinal);
                },
                "the page shows the reading");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message} It shows: {shown}", e);
        }
    }
}
