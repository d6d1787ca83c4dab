using System.Diagnostics;
using CityPulse.Tests.Support;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>The code of <c>README.md</c> and <c>docs/realtime.md</c> works as it is printed.</summary>
public sealed class SnippetTests : IAsyncLifetime
{
    private LiveCity _city = null!;

    public async ValueTask InitializeAsync() => _city = await LiveCity.StartAsync();

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Theory]
    [InlineData("README.md", "@microsoft/signalr", "10")]
    [InlineData("README.md", "socket.io-client", "4")]
    [InlineData("docs/realtime.md", "@microsoft/signalr", "10")]
    [InlineData("docs/realtime.md", "socket.io-client", "4")]
    public async Task It_tells_a_stored_reading(string document, string package, string version)
    {
        var folder = NodeScript.RequirePackage(package, version);
        var snippet = Markdown.Of(document).Blocks("js").Single(code => code.Contains($"from '{package}'", StringComparison.Ordinal));
        var host = await _city.ReplicaAsync();
        using var node = NodeScript.Start(
            $"const token = process.env.TOKEN = '{_city.Api.Token(_city.Organization)}';\n"
            + snippet.Replace("http://localhost:8001", host.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal), folder);
        await Eventually.TrueAsync(() => host.Broadcaster.Connections is [{ Topics.Count: > 0 }], "the snippet has subscribed");
        await _city.StoreAsync((Guid.CreateVersion7(), Guid.CreateVersion7(), TimeProvider.System.GetUtcNow(), 21.5));
        await node.ExpectAsync("value: 21.5");
    }

    [Fact]
    public async Task The_one_in_csharp_tells_a_stored_reading()
    {
        var snippet = Markdown.Of("docs/realtime.md").Blocks("csharp").Single(code => code.Contains("HubConnectionBuilder", StringComparison.Ordinal));
        var host = await _city.ReplicaAsync();
        const string Hub = "var hub =";
        var program = CSharpSnippet.CompileProgram(snippet
            .Replace("http://localhost:8001", host.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal)
            .Replace(Hub, $"var token = \"{_city.Api.Token(_city.Organization)}\";\n{Hub}", StringComparison.Ordinal));
        try
        {
            var here = Path.Combine(AppContext.BaseDirectory, "CityPulse.Tests");
            using var running = NodeScript.Start(new ProcessStartInfo(
                "dotnet", ["exec", "--depsfile", here + ".deps.json", "--runtimeconfig", here + ".runtimeconfig.json", program]));
            await Eventually.TrueAsync(() => host.Broadcaster.Connections is [{ Topics.Count: 1 }], "the snippet has subscribed");
            await _city.StoreAsync((Guid.CreateVersion7(), Guid.CreateVersion7(), TimeProvider.System.GetUtcNow(), 21.5));
            await running.ExpectAsync("readings: 1 readings");
        }
        finally
        {
            File.Delete(program);
        }
    }
}
