using System.Text.Json;
using CityPulse.ServiceDefaults.Json;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>An answer in one piece, whose length is told: it leaves with its head at once, where one of unknown length is sent in chunks.</summary>
internal sealed class CompletionResult(Completion answer) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(answer, JsonDefaults.Options);
        (httpContext.Response.ContentType, httpContext.Response.ContentLength) = ("application/json; charset=utf-8", body.Length);
        await httpContext.Response.Body.WriteAsync(body, httpContext.RequestAborted);
    }
}
