using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CityPulse.Bench.Ai;

/// <summary>OpenAI's protocol with one and the same short answer at once; the model <c>slow</c> says a word every 300 ms.</summary>
internal static class FakeProvider
{
    public const string Verb = "fake-provider";

    private const int Words = 10;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);

    private static readonly byte[] Whole = """
        {"id":"r1","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hello"}}],"usage":{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30}}
        """u8.ToArray();

    public static async Task RunAsync(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        var app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync();
        Console.WriteLine("ready: fake provider");
        await app.WaitForShutdownAsync();
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var request = await reader.ReadToEndAsync(context.RequestAborted);
        if (!request.Contains("\"stream\":true", StringComparison.Ordinal))
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = Whole.Length;
            await context.Response.Body.WriteAsync(Whole, context.RequestAborted);
            return;
        }

        context.Response.ContentType = "text/event-stream";
        var isSlow = request.Contains("\"slow\"", StringComparison.Ordinal);
        for (var i = 0; i < Words; i++)
        {
            await SayAsync("{\"content\":\"hello \"}", "null");
            if (isSlow)
            {
                await Task.Delay(Pause, context.RequestAborted);
            }
        }

        await SayAsync("{}", "\"stop\"");
        await context.Response.WriteAsync("data: [DONE]\n\n", context.RequestAborted);

        async Task SayAsync(string delta, string finish)
        {
            await context.Response.Body.WriteAsync(
                Encoding.UTF8.GetBytes($$"""data: {"id":"r1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}} }]}""" + "\n\n"),
                context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }
}
