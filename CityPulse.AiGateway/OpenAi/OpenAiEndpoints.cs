using CityPulse.AiGateway.Accounting;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Tools;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>The door for clients made for OpenAI: any of them, with this base address and an access token as its key.</summary>
internal static partial class OpenAiEndpoints
{
    public static WebApplicationBuilder AddOpenAi(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<CompletionCache>();
        return builder;
    }

    public static IEndpointRouteBuilder MapOpenAi(this IEndpointRouteBuilder app)
    {
        var door = app.MapGroup(OpenAiErrors.Door).WithTags("AI").RequirePermission(Permission.UseAi);
        door.MapPost("/chat/completions", CompleteAsync)
            .WithName("CreateChatCompletion").WithSummary("OpenAI-compatible: completes a chat; as one answer or as a stream.")
            .Produces<Completion>(StatusCodes.Status200OK, "application/json", TurnStream.ContentType)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status402PaymentRequired).ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status502BadGateway).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        door.MapGet("/models", ListModels).WithName("ListOpenAiModels").WithSummary("OpenAI-compatible: the models that can be asked for.");
        door.MapGet("/models/{**id}", GetModel).WithName("GetOpenAiModel").WithSummary("OpenAI-compatible: one model.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        return app;
    }

    private static Ok<OpenAiModelList> ListModels(ModelCatalogue catalogue) => TypedResults.Ok(new OpenAiModelList(
        "list", [.. catalogue.Models.Where(m => m.Available).SelectMany(m => m.Aliases.Prepend(m.Id).Select(name => Describe(name, m)))]));

    private static Results<Ok<OpenAiModel>, ProblemHttpResult> GetModel(string id, ModelCatalogue catalogue) =>
        catalogue.Route(id, frontend: null) is { } route ? TypedResults.Ok(Describe(id, route.First)) : UnknownModel(id);

    private static async Task<IResult> CompleteAsync(
        ChatCompletionRequest request, HttpContext context, ModelCatalogue catalogue, ModelSessions sessions, CompletionCache cache, UsageLedger ledger,
        IOptions<AiOptions> options, TimeProvider time, ILogger<CompletionStream> logger, CancellationToken cancellationToken)
    {
        var caller = context.User.GetCaller();
        if (string.IsNullOrWhiteSpace(request.Model))
        {
            return Problems.Validation("model", "model must name a model of GET /api/v1/ai/v1/models.");
        }

        if (catalogue.Route(request.Model, caller.Frontend) is not { } route)
        {
            return UnknownModel(request.Model);
        }

        var faults = new CompletionFaults(options.Value.MaxInputCharacters);
        var messages = new MessageReader(faults).Read(request);
        var cityTools = new Lazy<IList<AITool>>(() => new CityTools(context.RequestServices.GetRequiredService<CityApi>().As(context.Request)).All());
        var chat = new OptionsReader(faults).Read(request, cityTools, route.First.Provider == ModelCatalogue.LocalProvider);
        faults.CheckLength();
        if (faults.Errors.Count > 0)
        {
            return Problems.Validation(faults.Errors);
        }

        var now = time.GetUtcNow();
        var frame = new CompletionFrame(Guid.CreateVersion7(now), now, messages);
        var account = CallAccount.Of(caller);
        var key = cache.KeyOf(request, caller, route);
        if (key is not null && !RefusesKept(context.Request) && await cache.FindAsync(key, caller) is { } kept)
        {
            // The provider counted nothing; that the call was made is written down all the same.
            await ledger.SettleAsync(account, new CallRecord(route.First, 0, 0, 0, "cached", IsEstimated: false), reservation: null);
            return new CompletionResult(frame.Again(kept));
        }

        var session = sessions.Open(route, account);
        try
        {
            if (request.Stream != true)
            {
                var answer = frame.Whole(await session.Client.GetResponseAsync(messages, chat, cancellationToken), session.Route);
                if (key is not null)
                {
                    await cache.KeepAsync(key, caller, route, answer);
                }

                return new CompletionResult(answer);
            }

            // The first update is awaited before anything is sent, so that what fails until then has its status.
            var updates = session.Client.GetStreamingResponseAsync(messages, chat, cancellationToken).GetAsyncEnumerator(cancellationToken);
            try
            {
                var hasFirst = await updates.MoveNextAsync();
                return new CompletionStream(updates, hasFirst, frame, session.Route, request.StreamOptions?.IncludeUsage == true);
            }
            catch
            {
                await updates.DisposeAsync();
                throw;
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && ProviderFault.Of(e) is { } fault)
        {
            LogFault(logger, route.First.Id, fault.Status, fault.Reason);
            return fault.ToProblem(context.Response);
        }
    }

    private static bool RefusesKept(HttpRequest request) =>
        CacheControlHeaderValue.TryParse(request.Headers.CacheControl.ToString(), out var control) && (control.NoCache || control.NoStore);

    private static OpenAiModel Describe(string name, ModelInfo model) => new(name, "model", 0, model.Provider);

    private static ProblemHttpResult UnknownModel(string model) => TypedResults.Problem(
        $"There is no model {model}, or its provider has no key. GET /api/v1/ai/v1/models lists those that there are.", statusCode: StatusCodes.Status404NotFound,
        extensions: new Dictionary<string, object?> { ["code"] = "model_not_found" });

    [LoggerMessage(LogLevel.Warning, "The model {Model} failed with {Status}: {Reason}.")]
    private static partial void LogFault(ILogger logger, string model, int status, string reason);
}
