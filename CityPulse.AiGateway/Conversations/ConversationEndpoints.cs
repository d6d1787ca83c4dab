using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Http;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Health;
using CityPulse.ServiceDefaults.Schema;
using CityPulse.ServiceDefaults.Security;
using CityPulse.ServiceDefaults.Tenancy;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.AiGateway.Conversations;

internal sealed record ConversationPage(IReadOnlyList<ConversationItem> Items, string? NextCursor);

internal sealed record ConversationItem(Guid Id, string Title, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

internal sealed record ConversationResponse(
    Guid Id, string Title, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, IReadOnlyList<ConversationMessage> Messages);

internal sealed record ConversationMessage(
    string Role, string Content, DateTimeOffset CreatedAt, string? Model, IReadOnlyList<ToolCall>? ToolCalls,
    IReadOnlyList<Citation>? Citations, IReadOnlyList<double>? UnverifiedNumbers);

internal static class ConversationEndpoints
{
    private const string Connection = "citydb";

    public static WebApplicationBuilder AddConversations(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddTenantDatabase(Connection, part: "ai_", holds: "conversations are kept there, in schema ai", secretKey: "Internal:Key");
        services.AddSingleton<ConversationStore>();
        services.AddSchema<ConversationSchema>();
        services.AddHealthChecks().AddCheck<ConversationSchema>("conversations", tags: [HealthNames.Ready]);
        return builder;
    }

    public static IEndpointRouteBuilder MapConversations(this IEndpointRouteBuilder app)
    {
        var conversations = app.MapGroup("/api/v1/ai/conversations").WithTags("AI").RequirePermission(Permission.UseAi);
        conversations.MapGet("/", ListAsync).WithName("ListConversations").WithSummary("The caller's conversations, newest first.");
        conversations.MapGet("/{id:guid}", GetAsync).WithName("GetConversation").WithSummary("One of the caller's conversations with its messages.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        conversations.MapDelete("/{id:guid}", DeleteAsync).WithName("DeleteConversation").WithSummary("Forgets a conversation.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        return app;
    }

    private static async Task<Results<Ok<ConversationPage>, ProblemHttpResult>> ListAsync(
        HttpContext context, ConversationStore store, PageCursors cursors, int? limit, string? cursor, CancellationToken cancellationToken)
    {
        if (limit is < 1 or > 500)
        {
            return Problems.Validation("limit", "limit must be from 1 to 500.");
        }

        var caller = context.User.GetCaller();
        Guid? after = null;
        if (cursor is not null && (after = cursors.Open(caller.UserId, cursor)) is null)
        {
            return Problems.Validation("cursor", "cursor must be a nextCursor of this list.");
        }

        var count = limit ?? 50;
        var items = await store.ListAsync(caller, after, count + 1, cancellationToken);
        return items.Count > count
            ? TypedResults.Ok(new ConversationPage(items[..count], cursors.Seal(caller.UserId, items[count - 1].Id)))
            : TypedResults.Ok(new ConversationPage(items, null));
    }

    private static async Task<Results<Ok<ConversationResponse>, ProblemHttpResult>> GetAsync(
        Guid id, HttpContext context, ConversationStore store, CancellationToken cancellationToken) =>
        await store.FindAsync(id, context.User.GetCaller(), cancellationToken) is { } found ? TypedResults.Ok(found) : Problems.NotFound("conversation");

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, HttpContext context, ConversationStore store, CancellationToken cancellationToken) =>
        await store.DeleteAsync(id, context.User.GetCaller(), cancellationToken) ? TypedResults.NoContent() : Problems.NotFound("conversation");
}
