using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;
using CityPulse.AiGateway.Accounting;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Tools;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Hosting;
using CityPulse.ServiceDefaults.Json;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>
/// Answers completions, with bodies that it reads and writes itself: nothing else of the gateway is asked for as often, and the framework's
/// binding and results cost as much as all that happens between them.
/// </summary>
internal sealed partial class CompletionDoor(
    ModelCatalogue catalogue, ModelSessions sessions, CompletionCache cache, UsageLedger ledger, IOptions<AiOptions> options, IOptions<JsonOptions> json,
    TimeProvider time, ILogger<CompletionStream> logger)
{
    private static readonly Lazy<IList<AITool>> NoTools = new([]);

    private readonly JsonTypeInfo<ChatCompletionRequest> _requestType =
        (JsonTypeInfo<ChatCompletionRequest>)json.Value.SerializerOptions.GetTypeInfo(typeof(ChatCompletionRequest));

    private readonly int _longestInput = options.Value.MaxInputCharacters;

    public async Task CompleteAsync(HttpContext context)
    {
        if (await CompletionBody.ReadAsync(context, _requestType) is not { } request)
        {
            return;
        }

        var caller = context.User.GetCaller();
        if (!TryRead(context, request, caller, out var call, out var problem))
        {
            await problem.ExecuteAsync(context);
            return;
        }

        var (route, messages, chat) = call.Value;
        var now = time.GetUtcNow();
        var frame = new CompletionFrame(PlainId.Create(now), now, messages);
        var account = CallAccount.Of(caller);
        var key = cache.KeyOf(request, caller, route);
        if (key is not null && !RefusesKept(context.Request) && await cache.FindAsync(key, caller) is { } kept)
        {
            // The provider counted nothing; that the call was made is written down all the same.
            await ledger.SettleAsync(account, new CallRecord(route.First, 0, 0, 0, "cached", IsEstimated: false), reservation: null);
            await SendAsync(context, frame.Again(kept));
            return;
        }

        var cancellationToken = context.RequestAborted;
        var session = sessions.Open(route, account);
        Completion? answer = null;
        IResult? other = null;
        try
        {
            if (request.Stream == true)
            {
                other = await OpenAsync(session, messages, chat, frame, request.StreamOptions?.IncludeUsage == true, cancellationToken);
            }
            else
            {
                answer = frame.Whole(await session.Client.GetResponseAsync(messages, chat, cancellationToken), session.Route);
                if (key is not null)
                {
                    await cache.KeepAsync(key, caller, route, answer);
                }
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && ProviderFault.Of(e) is { } fault)
        {
            LogFault(logger, route.First.Id, fault.Status, fault.Reason);
            other = fault.ToProblem(context.Response);
        }

        await (answer is not null ? SendAsync(context, answer) : other!.ExecuteAsync(context));
    }

    /// <summary>What is asked, of which models; or what is wrong with it.</summary>
    private bool TryRead(
        HttpContext context, ChatCompletionRequest request, Caller caller, [NotNullWhen(true)] out (ModelRoute Route, List<ChatMessage> Messages, ChatOptions Chat)? call,
        [NotNullWhen(false)] out ProblemHttpResult? problem)
    {
        (call, problem) = (null, null);
        if (string.IsNullOrWhiteSpace(request.Model))
        {
            problem = Problems.Validation("model", "model must name a model of GET /api/v1/ai/v1/models.");
            return false;
        }

        if (catalogue.Route(request.Model, caller.Frontend) is not { } route)
        {
            problem = OpenAiEndpoints.UnknownModel(request.Model);
            return false;
        }

        var faults = new CompletionFaults(_longestInput);
        var messages = new MessageReader(faults).Read(request);
        var isLocal = route.First.Provider == ModelCatalogue.LocalProvider;
        var chat = new OptionsReader(faults).Read(request, isLocal || request.Tools is { Count: > 0 } ? CityToolsFor(context) : NoTools, isLocal);
        faults.CheckLength();
        if (faults.Errors is { } errors)
        {
            problem = Problems.Validation(errors);
            return false;
        }

        call = (route, messages, chat);
        return true;
    }

    /// <summary>The first update is awaited before anything is sent, so that what fails until then has its status.</summary>
    private static async Task<CompletionStream> OpenAsync(
        ModelSession session, List<ChatMessage> messages, ChatOptions chat, CompletionFrame frame, bool includeUsage, CancellationToken cancellationToken)
    {
        var updates = session.Client.GetStreamingResponseAsync(messages, chat, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            var hasFirst = await updates.MoveNextAsync();
            return new CompletionStream(updates, hasFirst, frame, session.Route, includeUsage);
        }
        catch
        {
            await updates.DisposeAsync();
            throw;
        }
    }

    /// <summary>An answer in one piece, whose length is told: it leaves with its head at once, where one of unknown length is sent in chunks.</summary>
    private static async Task SendAsync(HttpContext context, Completion answer)
    {
        WriteBody(context.Response, answer);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private static void WriteBody(HttpResponse response, Completion answer)
    {
        using var draft = JsonDraft.ForPages();
        PlainCompletion.Write(draft.Json, answer, JsonDefaults.Options);
        var body = draft.Written;
        (response.ContentType, response.ContentLength) = ("application/json; charset=utf-8", body.Length);
        response.BodyWriter.Write(body);
    }

    private static Lazy<IList<AITool>> CityToolsFor(HttpContext context) =>
        new(() => new CityTools(context.RequestServices.GetRequiredService<CityApi>().As(context.Request)).All());

    private static bool RefusesKept(HttpRequest request) =>
        CacheControlHeaderValue.TryParse(request.Headers.CacheControl.ToString(), out var control) && (control.NoCache || control.NoStore);

    [LoggerMessage(LogLevel.Warning, "The model {Model} failed with {Status}: {Reason}.")]
    private static partial void LogFault(ILogger logger, string model, int status, string reason);
}
