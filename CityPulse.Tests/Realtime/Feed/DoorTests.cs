using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Shouldly;

namespace CityPulse.Tests.Realtime.Feed;

/// <summary>Who gets in at <c>/ws</c>, and how they are shown out.</summary>
public sealed class DoorTests : IAsyncLifetime
{
    private LiveCity _city = null!;
    private RealtimeHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _city = await LiveCity.StartAsync();
        _host = await _city.ReplicaAsync(("Cors:Frontends:citypulse:0", "https://city.example"));
    }

    public ValueTask DisposeAsync() => _city.DisposeAsync();

    [Fact]
    public async Task Negotiation_offers_websockets_only()
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token());
        using var answer = await http.PostAsync(new Uri(_host.Door, "/ws/negotiate?negotiateVersion=1"), null, TestContext.Current.CancellationToken);
        var body = await answer.ReadAsync(HttpStatusCode.OK);
        body.GetProperty("negotiateVersion").GetInt32().ShouldBe(1);
        body.GetProperty("connectionToken").GetString().ShouldNotBeNullOrEmpty();
        body.GetProperty("availableTransports").ToString()
            .ShouldBe("""[{"transport":"WebSockets","transferFormats":["Text","Binary"]}]""");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_real_client_comes_in_with_and_without_negotiation(bool skip)
    {
        var client = await _city.ConnectAsync(_host, skipNegotiation: skip);
        await client.SubscribeAsync(["readings"]);
        await _city.StoreOneAsync();
        await client.NextAsync();
    }

    [Fact]
    public async Task A_connection_promised_by_one_replica_opens_at_any()
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(SocketUri($"id=promised-elsewhere&access_token={Token()}"), TestContext.Current.CancellationToken);
        (await HandshakeAsync(socket)).ShouldBe("{}");
    }

    [Fact]
    public async Task No_token_a_bad_one_and_a_foreign_one_are_refused_before_the_upgrade()
    {
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        (await RefusalAsync("")).ShouldBe(HttpStatusCode.Unauthorized);
        (await RefusalAsync("access_token=nonsense")).ShouldBe(HttpStatusCode.Unauthorized);
        (await RefusalAsync($"access_token={_city.Api.Token(_city.Organization, signedBy: stranger)}")).ShouldBe(HttpStatusCode.Unauthorized);
        (await RefusalAsync($"access_token={_city.Api.Token(_city.Organization, lifetime: TimeSpan.FromMinutes(-5))}")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_plain_request_is_told_to_open_a_websocket()
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token());
        using var answer = await http.GetAsync(_host.Door, TestContext.Current.CancellationToken);
        await answer.ReadProblemAsync(HttpStatusCode.UpgradeRequired);
    }

    [Fact]
    public async Task It_is_ready_when_it_follows_the_stream()
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(_host.Address, "/health/ready"), TestContext.Current.CancellationToken);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        _city.Api.IsAway = true;
        await using var host = await RealtimeHost.StartAsync(_city.Api, TestStores.FreePort(), waitForStream: false);
        using var notYet = await http.GetAsync(new Uri(host.Address, "/health/ready"), TestContext.Current.CancellationToken);
        notYet.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        _city.Api.IsAway = false;
        await Eventually.TrueAsync(async () => (await http.GetAsync(new Uri(host.Address, "/health/ready"))).IsSuccessStatusCode, "it is ready without Redis");
    }

    [Theory]
    [InlineData("https://city.example", true)]
    [InlineData("http://localhost:5173", true)]
    [InlineData("https://evil.example", false)]
    [InlineData("https://city.example.evil.example", false)]
    [InlineData("null", false)]
    public async Task A_page_of_a_foreign_origin_is_refused_before_the_upgrade(string origin, bool welcome)
    {
        var status = await RefusalAsync($"access_token={Token()}", origin);
        status.ShouldBe(welcome ? HttpStatusCode.SwitchingProtocols : HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task A_page_of_our_own_origin_is_welcome() =>
        (await RefusalAsync($"access_token={Token()}", _host.Address.GetLeftPart(UriPartial.Authority))).ShouldBe(HttpStatusCode.SwitchingProtocols);

    [Fact]
    public async Task A_connection_ends_with_its_access_token()
    {
        var client = await LiveClient.ConnectAsync(_host, _city.Api.Token(_city.Organization, lifetime: TimeSpan.FromSeconds(3)));
        await client.SubscribeAsync(["readings"]);
        (await client.Closed)!.Message.ShouldContain("expired");
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_stopping_replica_tells_its_clients_to_reconnect_and_takes_no_more()
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(SocketUri($"access_token={Token()}"), TestContext.Current.CancellationToken);
        await HandshakeAsync(socket);
        await SendAsync(socket, """{"type":1,"invocationId":"1","target":"Ping","arguments":[]}""");
        (await ReceiveAsync(socket)).ShouldContain("\"invocationId\":\"1\"");

        var stopping = Task.Run(() => _host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication());
        JsonElement close;
        do
        {
            close = JsonElement.Parse(await ReceiveAsync(socket));
        }
        while (close.GetProperty("type").GetInt32() != 7);
        close.GetProperty("allowReconnect").GetBoolean().ShouldBeTrue();
        (await RefusalAsync($"access_token={Token()}")).ShouldBe(HttpStatusCode.ServiceUnavailable);

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        await stopping.WaitAsync(LiveClient.Patience, TestContext.Current.CancellationToken);
    }

    private string Token() => _city.Api.Token(_city.Organization);

    private Uri SocketUri(string query) => new UriBuilder(_host.Door) { Scheme = "ws", Query = query }.Uri;

    private async Task<HttpStatusCode> RefusalAsync(string query, string? origin = null)
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        if (origin is not null)
        {
            socket.Options.SetRequestHeader("Origin", origin);
        }

        try
        {
            await socket.ConnectAsync(SocketUri(query), TestContext.Current.CancellationToken);
        }
        catch (WebSocketException)
        {
            // The status says why.
        }

        return socket.HttpStatusCode;
    }

    private static async Task<string> HandshakeAsync(ClientWebSocket socket)
    {
        await SendAsync(socket, """{"protocol":"json","version":1}""");
        return await ReceiveAsync(socket);
    }

    private static ValueTask SendAsync(ClientWebSocket socket, string message) => socket.SendAsync(
        Encoding.UTF8.GetBytes(message + '\x1e').AsMemory(), WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[16 * 1024];
        using var deadline = new CancellationTokenSource(LiveClient.Patience);
        var received = await socket.ReceiveAsync(buffer.AsMemory(), deadline.Token);
        return Encoding.UTF8.GetString(buffer, 0, received.Count).TrimEnd('\x1e');
    }
}
