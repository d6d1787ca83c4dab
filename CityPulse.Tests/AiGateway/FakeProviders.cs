using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CityPulse.Tests.AiGateway;

/// <summary>
/// The three providers' APIs on the wire, below <c>/openai</c>, <c>/anthropic</c> and <c>/groq</c>. The model's name says how it behaves;
/// <c>good</c> answers "It is 42 kWh." for 100 tokens in and 10 out.
/// </summary>
internal static class FakeProviders
{
    public const string Good = "good";
    public const string Timeout = "timeout";
    public const string RateLimited = "rate-limited";
    public const string ServerError = "server-error";
    public const string Reset = "reset";
    public const string Malformed = "malformed";
    public const string SlowFirstToken = "slow-first-token";

    public const string Answer = "It is 42 kWh.";
    public const int InputTokens = 100;
    public const int OutputTokens = 10;

    public static readonly IReadOnlyList<string> Names = ["openai", "anthropic", "groq"];

    public static readonly IReadOnlyList<string> Faults = [Timeout, RateLimited, ServerError, Reset, Malformed, SlowFirstToken];

    public static Task<FakeServer> StartAsync() => FakeServer.StartAsync(AnswerAsync);

    /// <summary>Settings of a gateway that has all three with all models, and chains <c>provider-fault</c> that end at the good one.</summary>
    public static Dictionary<string, string?> Settings(FakeServer server)
    {
        var settings = new Dictionary<string, string?> { ["Ai:AllowPrivateBaseUrls"] = "true" };
        foreach (var name in Names)
        {
            var key = $"Ai:Providers:{name}";
            settings[$"{key}:ApiKey"] = "sk-very-secret";
            settings[$"{key}:BaseUrl"] = new Uri(server.Address, name == "anthropic" ? "/anthropic" : $"/{name}/v1").ToString();
            settings[$"{key}:TimeoutSeconds"] = settings[$"{key}:FirstTokenTimeoutSeconds"] = "3";
            settings[$"{key}:NextTokenTimeoutSeconds"] = "30";
            settings[$"{key}:FailuresToBreak"] = "1000";
            var models = Faults.Prepend(Good).ToList();
            for (var i = 0; i < models.Count; i++)
            {
                settings[$"{key}:Models:{i}:Name"] = models[i];
                settings[$"{key}:Models:{i}:InputPricePerMTok"] = "2";
                settings[$"{key}:Models:{i}:OutputPricePerMTok"] = "10";
                settings[$"Ai:Aliases:{name}-{models[i]}"] = $"{name}/{models[i]},{name}/{Good}";
            }
        }

        return settings;
    }

    private static async Task AnswerAsync(HttpContext context, SeenRequest request)
    {
        var body = JsonElement.Parse(request.Body);
        var anthropic = request.PathAndQuery.StartsWith("/anthropic/", StringComparison.Ordinal);
        var streams = body.TryGetProperty("stream", out var stream) && stream.GetBoolean();
        var model = body.GetProperty("model").GetString()!;
        switch (model)
        {
            case Timeout:
                await HangAsync(context);
                return;
            case RateLimited:
                context.Response.Headers.RetryAfter = "7";
                await FakeServer.JsonAsync(context, anthropic
                    ? """{"type":"error","error":{"type":"rate_limit_error","message":"inner words"}}"""
                    : """{"error":{"message":"inner words","type":"requests","param":null,"code":"rate_limit_exceeded"}}""", 429);
                return;
            case ServerError:
                await FakeServer.JsonAsync(context, anthropic
                    ? """{"type":"error","error":{"type":"api_error","message":"inner words"}}"""
                    : """{"error":{"message":"inner words","type":"server_error","param":null,"code":null}}""", 500);
                return;
            case SlowFirstToken:
                context.Response.ContentType = streams ? "text/event-stream" : "application/json";
                await context.Response.WriteAsync(streams ? Opening(anthropic) : " ");
                await context.Response.Body.FlushAsync();
                await HangAsync(context);
                return;
        }

        context.Response.ContentType = streams ? "text/event-stream" : "application/json";
        var whole = streams ? Stream(anthropic) : Whole(anthropic);
        if (model == Reset)
        {
            await BreakOffAsync(context, whole[..(whole.IndexOf("42", StringComparison.Ordinal) - 20)]);
            return;
        }

        await context.Response.WriteAsync(model != Malformed ? whole
            : streams ? $"{Opening(anthropic)}{(anthropic ? "event: content_block_delta\n" : "")}data: {{\"nonsense\n\n" : whole[..(whole.Length / 2)]);
    }

    /// <summary>Past the server, straight to the socket: only so it is certain that the beginning arrives before the end of the connection.</summary>
    private static async Task BreakOffAsync(HttpContext context, string beginning)
    {
        var socket = context.Features.GetRequiredFeature<IConnectionSocketFeature>().Socket;
        var head = $"HTTP/1.1 200 OK\r\nContent-Type: {context.Response.ContentType}\r\nContent-Length: 1000000\r\n\r\n";
        await socket.SendAsync(Encoding.UTF8.GetBytes(head + beginning));
        socket.Shutdown(SocketShutdown.Send);
        await HangAsync(context);
    }

    private static async Task HangAsync(HttpContext context)
    {
        var left = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(left.SetResult);
        await left.Task;
    }

    private static string Opening(bool anthropic) => anthropic
        ? $$"""
            event: message_start
            data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":{{InputTokens}},"output_tokens":1} } }

            event: ping
            data: {"type":"ping"}


            """.ReplaceLineEndings("\n")
        : $"data: {Chunk("""{"role":"assistant","content":""}""")}\n\n";

    private static string Stream(bool anthropic) => Opening(anthropic) + (anthropic
        ? $$"""
            event: content_block_start
            data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""} }

            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"It is "} }

            event: content_block_delta
            data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"42 kWh."} }

            event: content_block_stop
            data: {"type":"content_block_stop","index":0}

            event: message_delta
            data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":{{OutputTokens}} } }

            event: message_stop
            data: {"type":"message_stop"}


            """.ReplaceLineEndings("\n")
        : $"data: {Chunk("""{"content":"It is "}""")}\n\ndata: {Chunk("""{"content":"42 kWh."}""")}\n\ndata: {Chunk("{}", "\"stop\"")}\n\n"
            + $$"""data: {"id":"r1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[],"usage":{{Usage}} }""" + "\n\ndata: [DONE]\n\n");

    private static string Whole(bool anthropic) => anthropic
        ? $$"""
            {"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"{{Answer}}"}],"stop_reason":"end_turn","stop_sequence":null,
             "usage":{"input_tokens":{{InputTokens}},"output_tokens":{{OutputTokens}} } }
            """
        : $$"""
            {"id":"r1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"{{Answer}}"} }],"usage":{{Usage}} }
            """;

    private static readonly string Usage = $$"""{"prompt_tokens":{{InputTokens}},"completion_tokens":{{OutputTokens}},"total_tokens":{{InputTokens + OutputTokens}} }""";

    private static string Chunk(string delta, string finish = "null") =>
        $$"""{"id":"r1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}} }]}""";
}
