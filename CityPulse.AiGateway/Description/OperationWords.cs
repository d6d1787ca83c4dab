using System.Text.Json.Nodes;
using CityPulse.AiGateway.Chat;
using CityPulse.AiGateway.OpenAi;
using CityPulse.AiGateway.Swarm;
using CityPulse.ServiceDefaults.Errors;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace CityPulse.AiGateway.Description;

/// <summary>What signatures cannot say: events of streams, headers, which members a request must have, and an example of each.</summary>
internal static class OperationWords
{
    private const string DoorProblem = "OpenAiProblem";

    private static readonly Dictionary<string, string> Refusals = new()
    {
        ["400"] = "The request is not valid; errors says where.",
        ["402"] = "The month's budget is exhausted; resetsAt says when there is a new one.",
        ["404"] = "There is no such thing, or it is another's.",
        ["409"] = "It has ended already.",
        ["422"] = "The Idempotency-Key was used for another request.",
        ["502"] = "The model's provider refuses the request or cannot be understood; code says which.",
        ["503"] = "The model's provider does not answer; code says why, and Retry-After when to try again.",
    };

    private static readonly Dictionary<string, string> Parameters = new()
    {
        ["from"] = "Start, inclusive: a time with offset; by default a week before to.",
        ["to"] = "End, exclusive: a time with offset; by default now.",
        ["limit"] = "How many items at most, 1 to 500; 50 without it.",
        ["cursor"] = "The nextCursor of the page before.",
        ["Last-Event-ID"] = "The id of the last event that arrived; the rest is sent.",
    };

    private static readonly Dictionary<string, string> Streams = new()
    {
        ["Chat"] = "Events delta (content), tool (a ToolCall), and in the end done (the ChatAnswer) or error (a Problem), each with an id; comments keep the connection alive.",
        ["ResumeChat"] = "The events that followed, as POST /api/v1/ai/chat sends them.",
        ["CreateChatCompletion"] = "As OpenAI streams: data with a chat.completion.chunk each, and in the end [DONE].",
        ["Orchestrate"] = "The run's events, as GET /api/v1/swarm/runs/{id}/events sends them.",
        ["ReadRunEvents"] = "Events swarm.delta, swarm.step (a StepResponse with its runId), and in the end swarm.finished, each with an id.",
    };

    private static readonly Dictionary<string, string> Examples = new()
    {
        ["Chat"] = """{"message":"How much energy did the town hall use last month?"}""",
        ["CreateChatCompletion"] = """{"model":"local","messages":[{"role":"user","content":"How many buildings are there?"}]}""",
        ["Orchestrate"] = """{"goal":"Why did the school use more energy in October than in September?","pattern":"sequential","maxTurns":8}""",
    };

    private static readonly Dictionary<Type, string[]> Needed = new()
    {
        [typeof(ChatRequest)] = ["message"],
        [typeof(ChatCompletionRequest)] = ["model", "messages"],
        [typeof(CompletionMessage)] = ["role"],
        [typeof(OrchestrateRequest)] = ["goal", "pattern"],
        [typeof(AgentRequest)] = ["name", "instructions"],
    };

    public static void AddTo(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Components!.Schemas![DoorProblem] = Problem(document);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(Apply);
        options.AddSchemaTransformer((schema, context, _) =>
        {
            if (context.JsonPropertyInfo is null && Needed.TryGetValue(context.JsonTypeInfo.Type, out var names))
            {
                schema.Required = new HashSet<string>(names);
            }

            return Task.CompletedTask;
        });
    }

    private static Task Apply(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var id = operation.OperationId ?? "";
        if (Find(operation.RequestBody?.Content, "application/json") is { } body && Examples.TryGetValue(id, out var example))
        {
            body.Example = JsonNode.Parse(example);
        }

        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            parameter.Description ??= Parameters.GetValueOrDefault(parameter.Name ?? "");
            if (parameter is { Name: "from" or "to", Schema: OpenApiSchema time })
            {
                time.Format = "date-time";
            }
            else if (parameter is { Name: "limit", Schema: OpenApiSchema limit })
            {
                (limit.Minimum, limit.Maximum) = ("1", "500");
            }
        }

        var isDoor = $"/{context.Description.RelativePath}".StartsWith(OpenAiErrors.Door, StringComparison.Ordinal);
        foreach (var (status, response) in operation.Responses ?? [])
        {
            if (response is OpenApiResponse own)
            {
                Apply(id, status, own, context.Document, isDoor);
            }
        }

        return Task.CompletedTask;
    }

    private static void Apply(string operation, string status, OpenApiResponse response, OpenApiDocument? document, bool isDoor)
    {
        response.Description = Refusals.GetValueOrDefault(status, response.Description ?? "");
        if (status is "429" or "503")
        {
            (response.Headers ??= new Dictionary<string, IOpenApiHeader>())["Retry-After"] = new OpenApiHeader
            {
                Description = "Seconds.", Schema = new OpenApiSchema { Type = JsonSchemaType.Integer },
            };
        }

        if (Find(response.Content, TurnStream.ContentType) is { } stream)
        {
            stream.Schema = new OpenApiSchema { Type = JsonSchemaType.String, Description = Streams.GetValueOrDefault(operation) };
        }

        if (isDoor && Find(response.Content, "application/problem+json") is { } problem)
        {
            problem.Schema = new OpenApiSchemaReference(DoorProblem, document);
        }
    }

    private static OpenApiMediaType? Find(IDictionary<string, OpenApiMediaType>? content, string type) =>
        content is not null && content.TryGetValue(type, out var found) ? found : null;

    /// <summary>Problem details with the object that OpenAI's clients look for.</summary>
    private static OpenApiSchema Problem(OpenApiDocument document) => new()
    {
        AllOf =
        [
            new OpenApiSchemaReference("Problem", document),
            new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { "error" },
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    ["error"] = new OpenApiSchema
                    {
                        Type = JsonSchemaType.Object,
                        Description = "The same as OpenAI's API says it.",
                        Properties = new Dictionary<string, IOpenApiSchema>
                        {
                            ["message"] = new OpenApiSchema { Type = JsonSchemaType.String },
                            ["type"] = new OpenApiSchema { Type = JsonSchemaType.String },
                            ["param"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null },
                            ["code"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null },
                        },
                    },
                },
            },
        ],
    };
}
