using System.Text.RegularExpressions;
using CityPulse.Tests.Support;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>The JavaScript of <c>docs/realtime.md</c> works as it is printed.</summary>
public sealed partial class SnippetTests : IAsyncLifetime
{
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Theory]
    [InlineData("@microsoft/signalr", "10")]
    [InlineData("socket.io-client", "4")]
    public async Task It_tells_a_stored_reading(string package, string version)
    {
        var folder = NodeScript.RequirePackage(package, version);
        var snippet = Blocks().Matches(await File.ReadAllTextAsync(NodeScript.Source("docs/realtime.md"), TestContext.Current.CancellationToken))
            .Select(block => block.Groups[1].Value).Single(code => code.Contains($"from '{package}'", StringComparison.Ordinal));
        var host = await _city.ReplicaAsync();
        using var node = NodeScript.Start(
            $"const token = '{_city.Api.Token(_city.Organization)}';\n"
            + snippet.Replace("http://localhost:8001", host.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal), folder);
        await Eventually.TrueAsync(() => host.Broadcaster.Connections is [{ Topics.Count: 1 }], "the snippet has subscribed");
        await _city.StoreAsync((Guid.CreateVersion7(), Guid.CreateVersion7(), TimeProvider.System.GetUtcNow(), 21.5));
        await node.ExpectAsync("value: 21.5");
    }

    [GeneratedRegex("```js\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Blocks();
}
