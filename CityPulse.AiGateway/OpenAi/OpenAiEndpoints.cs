using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.Models;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Errors;
using CityPulse.ServiceDefaults.Security;
using Microsoft.AspNetCore.Http.HttpResults;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>The door for clients made for OpenAI: any of them, with this base address and an access token as its key.</summary>
internal static class OpenAiEndpoints
{
    public static WebApplicationBuilder AddOpenAi(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<CompletionCache>();
        builder.Services.AddSingleton<CompletionDoor>();
        return builder;
    }

    public static IEndpointRouteBuilder MapOpenAi(this IEndpointRouteBuilder app)
    {
        var door = app.MapGroup(OpenAiErrors.Door).WithTags("AI").RequirePermission(Permission.UseAi);
        door.MapPost("/chat/completions", app.ServiceProvider.GetRequiredService<CompletionDoor>().CompleteAsync)
            .Accepts<ChatCompletionRequest>("application/json")
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

    private static OpenAiModel Describe(string name, ModelInfo model) => new(name, "model", 0, model.Provider);

    internal static ProblemHttpResult UnknownModel(string model) => TypedResults.Problem(
        $"There is no model {model}, or its provider has no key. GET /api/v1/ai/v1/models lists those that there are.", statusCode: StatusCodes.Status404NotFound,
        extensions: new Dictionary<string, object?> { ["code"] = "model_not_found" });
}
