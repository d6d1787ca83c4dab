// Prints what happens in the city, one line an event, until Ctrl+C:
//   TOKEN=… dotnet run docs/examples/watch.cs [topic …]
// Plain WebSocket and SignalR's JSON protocol, so that it needs nothing but the .NET SDK. CITYPULSE_URL names another origin.
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

const char End = '\u001e'; // SignalR ends every message of its JSON protocol with it.

var token = Environment.GetEnvironmentVariable("TOKEN");
if (string.IsNullOrEmpty(token))
{
    Console.Error.WriteLine("Set TOKEN to an access token: the accessToken of POST /api/v1/auth/login.");
    return 1;
}

var origin = new UriBuilder(Environment.GetEnvironmentVariable("CITYPULSE_URL") ?? "http://localhost:8001");
origin.Scheme = origin.Scheme == "https" ? "wss" : "ws";
origin.Path = "/ws";
string[] topics = args.Length == 0 ? ["readings"] : args;

using var socket = new ClientWebSocket();
socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
await socket.ConnectAsync(origin.Uri, CancellationToken.None);
await SendAsync("""{"protocol":"json","version":1}""");
await SendAsync(new JsonObject
{
    ["type"] = 1,
    ["invocationId"] = "1",
    ["target"] = "Subscribe",
    ["arguments"] = new JsonArray(new JsonArray([.. topics.Select(t => (JsonNode)t)]), null),
}.ToJsonString());

using var received = new MemoryStream();
var buffer = new byte[64 * 1024];
while (socket.State == WebSocketState.Open)
{
    var part = await socket.ReceiveAsync(buffer, CancellationToken.None);
    received.Write(buffer, 0, part.Count);
    if (!part.EndOfMessage)
    {
        continue;
    }

    foreach (var message in Encoding.UTF8.GetString(received.GetBuffer(), 0, (int)received.Length).Split(End, StringSplitOptions.RemoveEmptyEntries))
    {
        Show(JsonNode.Parse(message)!);
    }

    received.SetLength(0);
}

Console.Error.WriteLine($"closed: {socket.CloseStatusDescription}");
return 0;

static void Show(JsonNode message)
{
    switch ((int?)message["type"])
    {
        case 1:
            Console.WriteLine(message["arguments"]![0]!.ToJsonString());
            break;
        case 3 when message["error"] is { } error:
            Console.Error.WriteLine($"refused: {error}");
            break;
        case 3:
            Console.WriteLine($"subscribed: {message["result"]!.ToJsonString()}");
            break;
        case 7:
            Console.Error.WriteLine($"the server ends the connection: {message["error"] ?? "no reason given"}");
            break;
    }
}

Task SendAsync(string message) =>
    socket.SendAsync(Encoding.UTF8.GetBytes(message + End), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
