using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>The client for pages, run by Node.js where there is one.</summary>
public sealed class JavaScriptClientTests : IAsyncLifetime
{
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Fact]
    public void The_example_and_the_console_share_one_client() =>
        File.ReadAllText(NodeScript.Source("CityPulse.Api/wwwroot/citypulse-live.js")).ShouldBe(File.ReadAllText(NodeScript.Source("docs/examples/citypulse-live.js")));

    [Fact]
    public async Task It_follows_a_topic_and_resumes_after_its_connection_was_cut()
    {
        NodeScript.RequireNode();
        var host = await _city.ReplicaAsync();
        using var node = NodeScript.Start($$"""
            import { connectLive } from '{{new Uri(NodeScript.Source("docs/examples/citypulse-live.js"))}}';
            const live = connectLive({
              url: '{{host.Door}}',
              accessToken: async () => '{{_city.Api.Token(_city.Organization)}}',
              onEvent: event => console.log('event ' + event.id),
              onState: state => console.log('state ' + state),
              onFault: fault => console.log('fault ' + fault.message),
            });
            await live.subscribe(['readings', 'sensors/1/readings']);
            await live.subscribe(['readings']);
            """);
        await node.ExpectAsync("state connected");
        // One refused topic refuses the call; then each is asked for by itself.
        await node.ExpectAsync("There is no topic 'sensors/1/readings'.");

        var first = await _city.StoreOneAsync();
        await node.ExpectAsync($"event {LiveCity.IdOf(first)}");

        await host.Broadcaster.Connections.ShouldHaveSingleItem().CloseAsync(CityPulse.Realtime.Feed.FeedClose.Overflow);
        var missed = await _city.StoreOneAsync();
        await node.ExpectAsync($"event {LiveCity.IdOf(missed)}");
        await Eventually.TrueAsync(() => host.Broadcaster.Connections is [{ Topics.Count: 1 }], "the page is connected again");
    }
}
