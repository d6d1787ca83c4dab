using System.Runtime.CompilerServices;
using System.Text.Json;
using CityPulse.AiGateway.Local.Domain;
using CityPulse.AiGateway.Models;
using CityPulse.AiGateway.Tools;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Local;

/// <summary>
/// The built-in assistant as a chat client: asks for tools and words their results like a language model would, but by rules. It keeps
/// no state; every round is decided from the messages alone, so that the same tool loop serves it and real models.
/// </summary>
internal sealed class CityAssistant(TimeProvider time) : IChatClient
{
    /// <summary>It reads its question and the few before; a number for the catalogue.</summary>
    public const int ContextTokens = 8192;

    private const string Model = "city-assistant";
    private const int RememberedQuestions = 10;

    /// <summary>Clients of the OpenAI-compatible door may run a tool of that name themselves, and give back what they like.</summary>
    private static readonly JsonSerializerOptions Whole = new(CityTools.Serializer)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Skip,
    };

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var all = messages.ToList();
        var contents = Decide(all);
        var answer = new ChatMessage(ChatRole.Assistant, contents) { MessageId = Guid.CreateVersion7(time.GetUtcNow()).ToString("N") };
        return Task.FromResult(new ChatResponse(answer)
        {
            ModelId = Model,
            CreatedAt = time.GetUtcNow(),
            FinishReason = contents.Any(c => c is FunctionCallContent) ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
            Usage = Usage(all, answer),
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var response = await GetResponseAsync(messages, options, cancellationToken);
        foreach (var update in response.ToChatResponseUpdates())
        {
            var texts = update.Contents.OfType<TextContent>().ToList();
            if (texts.Count == 0)
            {
                yield return update;
                continue;
            }

            // Line by line, as a reader reads; the finish reason goes with the last.
            var lines = string.Concat(texts.Select(t => t.Text)).Split('\n');
            for (var i = 0; i < lines.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return new ChatResponseUpdate(ChatRole.Assistant, i < lines.Length - 1 ? lines[i] + "\n" : lines[i])
                {
                    MessageId = update.MessageId,
                    ModelId = update.ModelId,
                    CreatedAt = update.CreatedAt,
                    FinishReason = i < lines.Length - 1 ? null : update.FinishReason,
                };
            }
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType == typeof(ChatClientMetadata)
        ? new ChatClientMetadata(ModelCatalogue.LocalProvider, defaultModelId: Model)
        : serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private IList<AIContent> Decide(List<ChatMessage> messages)
    {
        var asked = messages.FindLastIndex(m => m.Role == ChatRole.User);
        var question = asked < 0 ? "" : messages[asked].Text;
        var earlier = messages.Take(Math.Max(asked, 0)).Where(m => m.Role == ChatRole.User).Select(m => m.Text).TakeLast(RememberedQuestions).ToList();
        var guess = QuestionParser.Parse(question, []);
        var words = new Wording(guess.Language);
        if (guess.Kind == QuestionKind.Help)
        {
            return Answer(words, words.Help());
        }

        if (guess.Kind == QuestionKind.Unknown && earlier.Count == 0)
        {
            return Answer(words, words.NotUnderstood());
        }

        // Which building is meant, and when its days begin, is known from the list of buildings only.
        var results = Results(messages.Skip(asked + 1));
        if (Find(results, CityTools.ListBuildings) is not { } listed)
        {
            return [Call(0, new PlannedCall(CityTools.ListBuildings, new Dictionary<string, object?> { ["limit"] = 5000 }))];
        }

        if (Read<BuildingsResult>(listed, out var failure) is not { } buildings)
        {
            return Answer(words, words.Failed(failure!));
        }

        var known = buildings.Items.Select(b => new KnownBuilding(b.Id, b.Name, b.Code, b.Use, b.TimeZone)).ToList();
        var parsed = earlier.Append(question).Aggregate((Question?)null, (previous, text) => QuestionParser.Parse(text, known, previous))!;
        words = new Wording(parsed.Language);
        if (Direct(parsed, buildings, known, words) is { } text)
        {
            return Answer(words, text);
        }

        var plan = Planner.Make(parsed, messages[asked].CreatedAt ?? time.GetUtcNow(), known);
        var answers = results.Where(r => r.Name != CityTools.ListBuildings).Select(r => r.Result).ToList();
        return answers.Count < plan.Calls.Count
            ? [.. plan.Calls.Select((call, i) => Call(i + 1, call))]
            : Answer(words, Word(parsed, plan, answers, known, words));
    }

    /// <summary>Answers that the list of buildings gives already.</summary>
    private static string? Direct(Question question, BuildingsResult all, List<KnownBuilding> known, Wording words)
    {
        var matching = question.Use is null ? all.Items : [.. all.Items.Where(b => b.Use == question.Use)];
        return question switch
        {
            { Ambiguous.Count: > 0 } => words.Ambiguous(question.Ambiguous),
            { UnknownName: { } name } => words.NoSuchBuilding(name, BuildingNames.Similar(name, known)),
            { Kind: QuestionKind.Unknown } => words.NotUnderstood(),
            { LacksSubject: true } => words.WhichOne(question.Kind),
            { Kind: QuestionKind.Help } => words.Help(),
            { Kind: QuestionKind.Unsupported } => words.Beyond(question.Beyond),
            { Kind: QuestionKind.CountBuildings } => words.BuildingCount(all, matching, question.Use),
            { Kind: QuestionKind.ListBuildings } => words.BuildingList(all, matching, question.Use),
            _ => null,
        };
    }

    private static string Word(Question question, Plan plan, List<FunctionResultContent> answers, List<KnownBuilding> known, Wording words)
    {
        var names = known.ToDictionary(b => b.Id, b => b.Name);
        var first = answers[0];
        ToolError? failure;
        switch (plan.Calls[0].Tool)
        {
            case CityTools.ListSensors:
                return Read<SensorsResult>(first, out failure) is not { } sensors ? words.Failed(failure!)
                    : question.Kind == QuestionKind.Latest ? words.Latest(question, sensors, names)
                    : words.Sensors(question, sensors, names);
            case CityTools.RankBuildings:
                return Read<RankingResult>(first, out failure) is { } ranking ? words.Ranking(question, plan, ranking) : words.Failed(failure!);
            case CityTools.GetReadings:
                return Read<ReadingsResult>(first, out failure) is { } readings ? words.Statistics(question, plan, readings, names) : words.Failed(failure!);
            case CityTools.GetForecast:
                return Read<ForecastResult>(first, out failure) is { } forecast ? words.Forecast(question, plan, forecast) : words.Failed(failure!);
            case CityTools.ListAlerts:
                return Read<AlertsResult>(first, out failure) is { } alerts ? words.Alerts(question, plan, alerts, names) : words.Failed(failure!);
            case CityTools.FindAnomalies:
                return Read<AnomaliesResult>(first, out failure) is { } anomalies ? words.Anomalies(question, plan, anomalies, names) : words.Failed(failure!);
            case CityTools.GetDataQuality:
                return Read<QualityResult>(first, out failure) is { } quality ? words.DataQuality(question, plan, quality) : words.Failed(failure!);
            case CityTools.CompareEnergy:
                return Read<ComparisonResult>(first, out failure) is { } both ? words.Comparison(question, plan, both) : words.Failed(failure!);
            default:
                var energy = new List<EnergyResult>();
                foreach (var answer in answers)
                {
                    if (Read<EnergyResult>(answer, out failure) is not { } one)
                    {
                        return words.Failed(failure!);
                    }

                    energy.Add(one);
                }

                return words.Energy(question, plan, energy);
        }
    }

    private static List<(string Name, FunctionResultContent Result)> Results(IEnumerable<ChatMessage> messages)
    {
        var contents = messages.SelectMany(m => m.Contents).ToList();
        var names = contents.OfType<FunctionCallContent>().GroupBy(c => c.CallId).ToDictionary(g => g.Key, g => g.Last().Name);
        return [.. contents.OfType<FunctionResultContent>().Select(r => (names.GetValueOrDefault(r.CallId, ""), r))];
    }

    private static FunctionResultContent? Find(List<(string Name, FunctionResultContent Result)> results, string name) =>
        results.FirstOrDefault(r => r.Name == name).Result;

    /// <summary>A tool's result, or why there is none.</summary>
    private static T? Read<T>(FunctionResultContent content, out ToolError? failure) where T : class
    {
        failure = null;
        if (content.Result is JsonElement { ValueKind: JsonValueKind.Object } json)
        {
            try
            {
                if (!json.TryGetProperty("error", out _))
                {
                    return json.Deserialize<T>(Whole);
                }

                failure = json.Deserialize<ToolError>(Whole);
            }
            catch (JsonException)
            {
                failure = new ToolError("", "The tool's result is not what it should be.", null);
            }
        }

        failure ??= new ToolError("", "The tool failed.", null);
        return null;
    }

    private static FunctionCallContent Call(int number, PlannedCall call) =>
        new($"call-{number}", call.Tool, new Dictionary<string, object?>(call.Arguments));

    private static IList<AIContent> Answer(Wording words, string text) => [new TextContent($"{text}\n\n{words.Footer}")];

    /// <summary>No tokens are paid for; words stand for them, so that usage shows something of the right size.</summary>
    private static UsageDetails Usage(List<ChatMessage> messages, ChatMessage answer)
    {
        var input = messages.Where(m => m.Role == ChatRole.User).Sum(m => Count(m.Text));
        var output = Count(answer.Text);
        return new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output };

        static long Count(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
    }
}
