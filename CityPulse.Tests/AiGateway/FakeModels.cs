using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace CityPulse.Tests.AiGateway;

/// <summary>The wire of two model providers: what they answer in one piece and as a stream, and how they fail.</summary>
internal static class FakeModels
{
    public const int InputTokens = 100;
    public const int OutputTokens = 10;

    /// <summary>Where a provider of a protocol is asked.</summary>
    public static string BasePath(string type) => type == "anthropic" ? "/" : "/v1";

    /// <summary>A good answer, as the request wants it.</summary>
    public static async Task AnswerAsync(HttpContext context, SeenRequest request, string type, string text = "Good day.")
    {
        if (!IsStream(request))
        {
            await FakeServer.JsonAsync(context, Whole(type, text));
            return;
        }

        await StreamAsync(context, [.. Beginning(type, text), .. End(type)]);
    }

    public static bool IsStream(SeenRequest request) => JsonElement.Parse(request.Body).TryGetProperty("stream", out var stream) && stream.GetBoolean();

    public static async Task StreamAsync(HttpContext context, IEnumerable<string> events)
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var one in events)
        {
            await context.Response.WriteAsync(one);
            await context.Response.Body.FlushAsync();
        }
    }

    public static string Whole(string type, string text) => type == "anthropic"
        ? $$"""
            {"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"{{text}}","citations":null}],"stop_reason":"end_turn","stop_sequence":null,
             "usage":{"input_tokens":{{InputTokens}},"output_tokens":{{OutputTokens}} } }
            """
        : $$"""
            {"id":"r","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"{{text}}"} }],
             "usage":{"prompt_tokens":{{InputTokens}},"completion_tokens":{{OutputTokens}},"total_tokens":{{InputTokens + OutputTokens}} } }
            """;

    /// <summary>A stream up to and with its first words.</summary>
    public static string[] Beginning(string type, string text) => type == "anthropic"
        ?
        [
            Event("message_start", $$"""{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":{{InputTokens}},"output_tokens":1} } }"""),
            Event("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"","citations":null} }"""),
            Event("content_block_delta", $$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{{text}}"} }"""),
        ]
        : [Chunk($$"""[{"index":0,"delta":{"role":"assistant","content":"{{text}}"},"finish_reason":null}]""")];

    public static string[] End(string type) => type == "anthropic"
        ?
        [
            Event("content_block_stop", """{"type":"content_block_stop","index":0}"""),
            Event("message_delta", $$"""{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":{{OutputTokens}} } }"""),
            Event("message_stop", """{"type":"message_stop"}"""),
        ]
        :
        [
            Chunk("""[{"index":0,"delta":{},"finish_reason":"stop"}]"""),
            Chunk("[]", $$""","usage":{"prompt_tokens":{{InputTokens}},"completion_tokens":{{OutputTokens}},"total_tokens":{{InputTokens + OutputTokens}} }"""),
            "data: [DONE]\n\n",
        ];

    private static string Event(string name, string json) => $"event: {name}\ndata: {json}\n\n";

    private static string Chunk(string choices, string more = "") =>
        $$"""data: {"id":"r","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":{{choices}}{{more}}}""" + "\n\n";
}
