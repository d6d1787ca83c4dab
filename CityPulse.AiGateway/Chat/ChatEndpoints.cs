using CityPulse.AiGateway.Conversations;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Tools;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace CityPulse.AiGateway.Chat;

internal static partial class ChatEndpoints
{
    public const int LongestMessage = 8000;

    public static WebApplicationBuilder AddChat(this WebApplicationBuilder builder)
    {
        // Reads only, so the standard handler's retries do no harm here.
        builder.Services.AddHttpClient<CityApi>(CityApi.ClientName, client => client.BaseAddress = new Uri("http://api")).AddInternalKey();
        builder.Services.AddScoped<ChatTurn>();
        builder.Services.AddOpenTelemetry()
            .WithTracing(tracing => tracing.AddSource(ModelPipeline.TelemetrySource))
            .WithMetrics(metrics => metrics.AddMeter(ModelPipeline.TelemetrySource));
        return builder;
    }

    public static IEndpointRouteBuilder MapChat(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/v1/ai/chat", ChatAsync)
            .WithName("Chat").WithSummary("Asks the assistant; as one answer or as server-sent events.").WithTags("AI")
            .Produces<ChatAnswer>(StatusCodes.Status200OK, "application/json", SseResult.ContentType)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status402PaymentRequired).ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status502BadGateway).ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequirePermission(Permission.UseAi);
        return app;
    }

    private static async Task<IResult> ChatAsync(
        ChatRequest request, HttpContext context, ChatTurn turn, ModelCatalogue catalogue, ConversationStore store, IOptions<AiOptions> options,
        TimeProvider time, ILogger<ChatTurn> logger, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(request.Message) || request.Message.Length > LongestMessage)
        {
            return Problems.Validation("message", $"message must have 1 to {LongestMessage} characters.");
        }

        var caller = context.User.GetCaller();
        if (catalogue.Route(request.Model, caller.Frontend) is not { } route)
        {
            return Problems.Validation("model", "model must be an available one of GET /api/v1/ai/models, by id or alias.");
        }

        IReadOnlyList<StoredMessage> history = [];
        if (request.ConversationId is { } existing)
        {
            if (await store.HistoryAsync(existing, caller, options.Value.HistoryMessages, cancellationToken) is not { } found)
            {
                return Problems.NotFound("conversation");
            }

            history = found;
        }

        var now = time.GetUtcNow();
        var question = new ChatQuestion(
            request.ConversationId ?? Guid.CreateVersion7(now), request.ConversationId is null, request.Message, now, route, history);
        if (request.Stream == true || AcceptsEvents(context.Request))
        {
            return new SseResult(turn.StreamAsync(question, caller, context.Request, cancellationToken));
        }

        try
        {
            return TypedResults.Ok(await turn.RunAsync(question, caller, context.Request, cancellationToken));
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && ProviderFault.Of(e) is { } fault)
        {
            LogFault(logger, route.First.Id, fault.Status, e.GetType().Name);
            return fault.ToProblem(context.Response);
        }
    }

    private static bool AcceptsEvents(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
        && accepted.Any(a => a.Quality is not 0 && a.MediaType.Equals(SseResult.ContentType, StringComparison.OrdinalIgnoreCase));

    // The exception's text may repeat what was sent, so only its kind is logged.
    [LoggerMessage(LogLevel.Warning, "The model {Model} failed with {Status}: {Fault}.")]
    private static partial void LogFault(ILogger logger, string model, int status, string fault);
}
