using System.Diagnostics;
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
        File.ReadAllText(Source("CityPulse.Api/wwwroot/citypulse-live.js")).ShouldBe(File.ReadAllText(Source("docs/examples/citypulse-live.js")));

    [Fact]
    public async Task It_follows_a_topic_and_resumes_after_its_connection_was_cut()
    {
        Assert.SkipUnless(HasNode(), "There is no Node.js here.");
        var host = await _city.ReplicaAsync();
        using var node = Start($$"""
            import { connectLive } from '{{new Uri(Source("docs/examples/citypulse-live.js"))}}';
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
        await ExpectAsync(node, "state connected");
        // One refused topic refuses the call; then each is asked for by itself.
        await ExpectAsync(node, "There is no topic 'sensors/1/readings'.");

        var first = await _city.StoreOneAsync();
        await ExpectAsync(node, $"event {LiveCity.IdOf(first)}");

        await host.Broadcaster.Connections.ShouldHaveSingleItem().CloseAsync(CityPulse.Realtime.Feed.FeedClose.Overflow);
        var missed = await _city.StoreOneAsync();
        await ExpectAsync(node, $"event {LiveCity.IdOf(missed)}");
        await Eventually.TrueAsync(() => host.Broadcaster.Connections is [{ Topics.Count: 1 }], "the page is connected again");
        node.Kill();
        await node.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    private static Process Start(string script)
    {
        var start = new ProcessStartInfo("node", ["--experimental-websocket", "--no-warnings", "--input-type=module", "-e", script])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    private static bool HasNode()
    {
        try
        {
            using var node = Process.Start(new ProcessStartInfo("node", ["--experimental-websocket", "-e", "new WebSocket('ws://127.0.0.1:1').onerror = () => process.exit(0)"]));
            node!.WaitForExit();
            return node.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>Reads lines until one ends so.</summary>
    private static async Task ExpectAsync(Process node, string end)
    {
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        var read = new List<string>();
        while (read.Count == 0 || !read[^1].EndsWith(end, StringComparison.Ordinal))
        {
            var line = await node.StandardOutput.ReadLineAsync(deadline.Token);
            line.ShouldNotBeNull($"the page ended before '{end}', after: {string.Join('\n', read)} {(node.HasExited ? await node.StandardError.ReadToEndAsync(deadline.Token) : "")}");
            read.Add(line);
        }
    }

    private static string Source(string path)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "CityPulse.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        }

        return Path.Combine(folder.FullName, path);
    }
}
