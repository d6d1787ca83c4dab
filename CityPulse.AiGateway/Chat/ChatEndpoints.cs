using CityPulse.AiGateway.Conversations;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Tools;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace CityPulse.AiGateway.Chat;

internal static partial class ChatEndpoints
{
    public const int LongestMessage = 8000;

    private const string LastEventId = "Last-Event-ID";

    public static WebApplicationBuilder AddChat(this WebApplicationBuilder builder)
    {
        // Reads only, so the standard handler's retries do no harm here.
        builder.Services.AddHttpClient<CityApi>(CityApi.ClientName, client => client.BaseAddress = new Uri("http://api")).AddInternalKey();
        builder.Services.AddScoped<ChatTurn>();
        builder.Services.AddSingleton<ConversationSummary>();
        builder.Services.AddSingleton<TurnCopies>();
        builder.Services.AddSingleton<TurnFeeds>();
        return builder;
    }

    public static IEndpointRouteBuilder MapChat(this IEndpointRouteBuilder app)
    {
        app.MapPost("/api/v1/ai/chat", ChatAsync)
            .WithName("Chat").WithSummary("Asks the assistant; as one answer or as server-sent events.").WithTags("AI")
            .Produces<ChatAnswer>(StatusCodes.Status200OK, "application/json", TurnStream.ContentType)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status402PaymentRequired).ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status502BadGateway).ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequirePermission(Permission.UseAi);
        app.MapGet("/api/v1/ai/chat/events", ResumeAsync)
            .WithName("ResumeChat").WithSummary("The rest of a streamed answer, after the event that Last-Event-ID names; for five minutes.").WithTags("AI")
            .Produces<string>(StatusCodes.Status200OK, TurnStream.ContentType)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .RequirePermission(Permission.UseAi);
        return app;
    }

    /// <summary>Also what a client does that sends its question again: with the id of an event it gets the rest of the first answer.</summary>
    private static async Task<IResult> ResumeAsync(
        HttpContext context, TurnFeeds feeds, TurnCopies copies, [FromHeader(Name = LastEventId)] string? lastEventId)
    {
        if (EventId.Parse(lastEventId) is not var (turn, number))
        {
            return Problems.Validation(LastEventId, $"{LastEventId} must be the id of an event of an answer.");
        }

        var caller = context.User.GetCaller();
        if (feeds.Find(turn, caller) is { } feed)
        {
            return new TurnStream(turn, feed, number);
        }

        return await copies.ReadAsync(turn, caller, number) is null ? Problems.NotFound("answer") : new TurnStream(turn, feed: null, number);
    }

    private static async Task<IResult> ChatAsync(
        ChatRequest request, HttpContext context, ChatTurn turn, TurnFeeds feeds, TurnCopies copies, ModelCatalogue catalogue, ConversationStore store,
        IOptions<AiOptions> options, TimeProvider time, ILogger<ChatTurn> logger, [FromHeader(Name = LastEventId)] string? lastEventId,
        CancellationToken cancellationToken)
    {
        if (!string.IsNullOrEmpty(lastEventId))
        {
            return await ResumeAsync(context, feeds, copies, lastEventId);
        }

        if (string.IsNullOrWhiteSpace(request.Message) || request.Message.Length > LongestMessage)
        {
            return Problems.Validation("message", $"message must have 1 to {LongestMessage} characters.");
        }

        var caller = context.User.GetCaller();
        if (catalogue.Route(request.Model, caller.Frontend) is not { } route)
        {
            return Problems.Validation("model", "model must be an available one of GET /api/v1/ai/models, by id or alias.");
        }

        var history = ConversationHistory.Empty;
        if (request.ConversationId is { } existing)
        {
            if (await store.HistoryAsync(existing, caller, options.Value.HistoryMessages + AiOptions.MoreHistoryMessages, cancellationToken) is not { } found)
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
            var feed = feeds.Start(caller, context.Request.Path, work => turn.StreamAsync(question, caller, context.Request, work));
            return new TurnStream(feed.Id, feed, after: 0);
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
        && accepted.Any(a => a.Quality is not 0 && a.MediaType.Equals(TurnStream.ContentType, StringComparison.OrdinalIgnoreCase));

    // The exception's text may repeat what was sent, so only its kind is logged.
    [LoggerMessage(LogLevel.Warning, "The model {Model} failed with {Status}: {Fault}.")]
    private static partial void LogFault(ILogger logger, string model, int status, string fault);
}
