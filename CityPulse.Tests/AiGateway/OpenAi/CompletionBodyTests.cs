using System.IO.Compression;
using System.IO.Pipelines;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using CityPulse.AiGateway.OpenAi;
using CityPulse.ServiceDefaults.Json;
using CityPulse.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Shouldly;

namespace CityPulse.Tests.AiGateway.OpenAi;

/// <summary>The short way to read a body, beside the framework's: whatever comes, both make the same of it.</summary>
public sealed class CompletionBodyTests
{
    private static readonly JsonTypeInfo<ChatCompletionRequest> RequestType =
        (JsonTypeInfo<ChatCompletionRequest>)JsonDefaults.Options.GetTypeInfo(typeof(ChatCompletionRequest));

    public static TheoryData<string> Bodies =>
    [
        """{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":50,"stream":false}""",
        """ { "messages" : [ { "content" : "hi" , "role" : "user" } ] , "model" : "m" } """,
        """{"model":"m\u00e9\n\"\\","messages":[{"role":"us\u0065r","content":"Gr\u00fc\u00dfe \ud83d\ude00"}]}""",
        """{"mod\u0065l":"m","messages":[{"role":"user","content":"hi"}]}""",
        """{"model":"m","messages":[{"role":"user","content":"\ud800"}]}""",
        """{"model":"\udc00","messages":[]}""",
        """{"model":null,"messages":null,"stream":null,"temperature":null,"stop":null,"tools":null}""",
        """{"model":"m","messages":[null,{"role":null,"content":null,"name":null}]}""",
        """{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]}]}""",
        """{"model":"m","messages":[{"role":"user","content":5},{"role":"user","content":{"a":[1,2]}},{"role":"user","content":true}]}""",
        """{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"1"}]}""",
        """{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],"tool_choice":{"type":"function","function":{"name":"f"}}}""",
        """{"model":"m","user":"u","logit_bias":{"1":2},"metadata":{"a":{"b":[null]}},"messages":[{"role":"user","content":"hi","extra":1}]}""",
        """{"model":"m","model":"n","messages":[]}""",
        """{"model":"m","messages":[{"role":"user","role":"user"}]}""",
        """{"model":"m","messages":[{"role":"user","content":{"a":1,"a":2}}]}""",
        """{"model":"m","user":"a","user":"b","messages":[]}""",
        """{"Model":"m","MESSAGES":[]}""",
        """{"model":"m","messages":[],}""",
        """{"model":"m","messages":[{"role":"user"},]}""",
        """{"model":"m",/* a comment */"messages":[]}""",
        """{"model":"m"} // more""",
        """{"model":"m"}{"model":"n"}""",
        """{"model":"m"}x""",
        """{"model":5}""",
        """{"model":"m","messages":"hi"}""",
        """{"model":"m","messages":{"role":"user"}}""",
        """{"model":"m","messages":["hi"]}""",
        """{"model":"m","stream":"true"}""",
        """{"model":"m","temperature":"0.5"}""",
        """{"model":"m","temperature":1e30}""",
        """{"model":"m","max_tokens":1.5}""",
        """{"model":"m","max_tokens":99999999999}""",
        """{"model":"m","seed":9223372036854775808}""",
        """{"model":"m","messages":""",
        """{"model":"m""",
        "{'model':'m'}",
        "{model:1}",
        "null", "[]", "5", "\"text\"", "true", " ", "x", "{}",
        $$"""{"model":"m","metadata":{{new string('[', 70)}}{{new string(']', 70)}} }""",
        $$"""{"model":"m","messages":[{"role":"user","content":{{new string('[', 70)}}{{new string(']', 70)}} }]}""",
        $$"""{"model":"m","messages":[{"role":"user","content":"{{new string('x', 10_000)}}ü{{new string('y', 20_000)}}"}]}""",
        $$"""{"model":"m","messages":[{"role":"user","content":"{{new string('x', 100_000)}}"}]}""",
    ];

    private static readonly byte[][] Bytes =
    [
        [0xEF, 0xBB, 0xBF, .. """{"model":"m","messages":[]}"""u8],
        [.. """{"model":"""u8, (byte)'"', 0xC3, 0x28, .. "\"}"u8],
        [.. """{"model":"m","messages":[{"role":"user","content":"""u8, (byte)'"', 0xFF, .. "\"}]}"u8],
        [.. """{"model":"m","metadata":"""u8, (byte)'"', 0xFF, .. "\"}"u8],
        [.. "{\"model\":\"a\0b\"}"u8],
        [.. "{\"model\":\"m\"}\0"u8],
    ];

    [Theory]
    [MemberData(nameof(Bodies))]
    public Task A_text_that_is_all_there_is_read_as_the_framework_reads_it(string body) => CompareAsync(Encoding.UTF8.GetBytes(body));

    [Fact]
    public async Task Bytes_that_are_all_there_are_read_as_the_framework_reads_them()
    {
        foreach (var body in Bytes)
        {
            await CompareAsync(body);
        }
    }

    [Fact]
    public async Task Over_HTTP_both_ways_answer_alike()
    {
        await using var host = await StartAsync();
        foreach (var body in Bodies.Select(b => Encoding.UTF8.GetBytes(b.Data)).Concat(Bytes).Append([]))
        {
            (await SendAsync(host, "/door", body, "application/json")).ShouldBe(await SendAsync(host, "/general", body, "application/json"), Encoding.UTF8.GetString(body));
        }

        foreach (var type in (string?[])[null, "text/plain", "application/json; charset=utf-8", "application/json; charset=utf-16", "APPLICATION/JSON", "application/problem+json"])
        {
            foreach (var body in (byte[][])["""{"model":"m"}"""u8.ToArray(), "{"u8.ToArray(), []])
            {
                (await SendAsync(host, "/door", body, type)).ShouldBe(await SendAsync(host, "/general", body, type), type);
            }
        }
    }

    [Fact]
    public async Task What_comes_in_pieces_or_packed_is_read_alike()
    {
        await using var host = await StartAsync();
        foreach (var body in (string[])["{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", "{\"model\":5}", "{", "null", ""])
        {
            var bytes = Encoding.UTF8.GetBytes(body);
            foreach (var (packed, encoding, isChunked) in (IEnumerable<(byte[], string?, bool)>)
                [(bytes, null, true), (Packed(bytes), "gzip", false), (Packed(bytes), "gzip", true), (bytes, "gzip", false), (bytes, "identity", false), (bytes, "zstd", false)])
            {
                (await SendAsync(host, "/door", packed, "application/json", encoding, isChunked))
                    .ShouldBe(await SendAsync(host, "/general", packed, "application/json", encoding, isChunked), $"{body} {encoding} {isChunked}");
            }
        }

        static byte[] Packed(byte[] plain)
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            {
                gzip.Write(plain);
            }

            return packed.ToArray();
        }
    }

    private static Task<DefaultsHost> StartAsync() => DefaultsHost.StartAsync(app =>
    {
        var open = app.MapGroup("").AllowAnonymous();
        open.MapPost("/general", (ChatCompletionRequest request) => Written(request));
        open.MapPost("/door", async Task (HttpContext context) =>
        {
            var options = context.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
            if (await CompletionBody.ReadAsync(context, (JsonTypeInfo<ChatCompletionRequest>)options.GetTypeInfo(typeof(ChatCompletionRequest))) is { } read)
            {
                await TypedResults.Text(Written(read)).ExecuteAsync(context);
            }
        }).Accepts<ChatCompletionRequest>("application/json");
    });

    /// <summary>What each makes of a body that has come as a whole: the request in JSON, or where and why it is none.</summary>
    private static async Task CompareAsync(byte[] body)
    {
        var general = await OutcomeAsync(body, async context => await context.Request.ReadFromJsonAsync(RequestType));
        var quick = await OutcomeAsync(body, async context => await CompletionBody.ReadAsync(context, RequestType));
        quick.ShouldBe(general == "null" ? "BadHttpRequestException" : general);
    }

    private static async Task<string> OutcomeAsync(byte[] body, Func<HttpContext, Task<ChatCompletionRequest?>> read)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await pipe.Writer.WriteAsync(body);
        await pipe.Writer.CompleteAsync();
        var context = new DefaultHttpContext();
        context.Features.Set<IRequestBodyPipeFeature>(new WholeBody(pipe.Reader));
        context.Features.Set<IHttpRequestBodyDetectionFeature>(new WholeBody(pipe.Reader));
        context.Request.ContentType = "application/json";
        try
        {
            return Written(await read(context));
        }
        catch (BadHttpRequestException e) when (e.InnerException is null)
        {
            return nameof(BadHttpRequestException);
        }
        catch (Exception e)
        {
            var fault = (e as JsonException ?? e.InnerException as JsonException).ShouldNotBeNull();
            return $"{fault.GetType().Name} at {fault.Path}, {fault.LineNumber}, {fault.BytePositionInLine}: {fault.Message}";
        }
    }

    private static async Task<string> SendAsync(DefaultsHost host, string path, byte[] body, string? type, string? encoding = null, bool isChunked = false)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        if (encoding is not null)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.TransferEncodingChunked = isChunked;
        using var response = await host.Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
        {
            var problem = JsonNode.Parse(text)!.AsObject();
            foreach (var own in (string[])["errorId", "traceId", "instance"])
            {
                problem.Remove(own);
            }

            text = problem.ToJsonString();
        }

        return $"{(int)response.StatusCode} {response.Content.Headers.ContentType?.MediaType} {string.Join(',', response.Headers.NonValidated.TryGetValues("Accept", out var accept) ? accept : default)} {text}";
    }

    private static string Written(ChatCompletionRequest? request) => JsonSerializer.Serialize(request, RequestType!);

    private sealed class WholeBody(PipeReader reader) : IRequestBodyPipeFeature, IHttpRequestBodyDetectionFeature
    {
        public PipeReader Reader => reader;

        public bool CanHaveBody => true;
    }
}
