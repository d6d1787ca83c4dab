using CityPulse.AiGateway.Local;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Models;

/// <summary>A model that can be asked for.</summary>
/// <param name="Id"><c>provider/model</c>.</param>
/// <param name="Available">Whether its provider has what it needs (a key).</param>
/// <param name="InputPricePerMTok">US dollars per million tokens; null where unknown.</param>
internal sealed record ModelInfo(
    string Id, string Provider, bool Available, decimal? InputPricePerMTok, decimal? OutputPricePerMTok, int? ContextTokens, IReadOnlyList<string> Aliases)
{
    /// <summary>What a call cost, or null where a price is unknown.</summary>
    public decimal? Cost(long inputTokens, long outputTokens) =>
        InputPricePerMTok is { } input && OutputPricePerMTok is { } output
            ? ((inputTokens * input) + (outputTokens * output)) / 1_000_000m
            : null;
}

/// <summary>The models of the configuration, by id and alias, and the clients that reach them.</summary>
internal sealed class ModelCatalogue
{
    public const string LocalProvider = "local";
    public const string LocalModel = $"{LocalProvider}/city-assistant";
    public const string OpenAiProvider = "openai";

    private readonly Dictionary<string, ModelInfo> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly IServiceProvider _services;

    public ModelCatalogue(IOptions<AiOptions> options, IServiceProvider services)
    {
        _services = services;
        Models = Describe(options.Value);
        foreach (var model in Models)
        {
            _byName[model.Id] = model;
            foreach (var alias in model.Aliases)
            {
                _byName.TryAdd(alias, model);
            }
        }

        var named = options.Value.DefaultModel;
        Default = string.IsNullOrWhiteSpace(named) ? Models.First(m => m.Available) : _byName[named];
    }

    public IReadOnlyList<ModelInfo> Models { get; }

    public ModelInfo Default { get; }

    public ModelInfo? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The client that reaches a model, with the tool loop around it. It lives as long as the process.</summary>
    public IChatClient ClientFor(ModelInfo model) => _services.GetRequiredKeyedService<IChatClient>(model.Provider);

    /// <summary>Models with a key come before the built-in one, which needs none and is always there.</summary>
    internal static IReadOnlyList<ModelInfo> Describe(AiOptions options)
    {
        var openAi = options.Providers.OpenAi;
        var hosted = $"{OpenAiProvider}/{openAi.Model}";
        return
        [
            new(hosted, OpenAiProvider, openAi.IsConfigured, openAi.InputPricePerMTok, openAi.OutputPricePerMTok, openAi.ContextTokens, Aliases(hosted)),
            new(LocalModel, LocalProvider, Available: true, 0, 0, CityAssistant.ContextTokens, ["local", .. Aliases(LocalModel)]),
        ];

        IReadOnlyList<string> Aliases(string id) => [.. options.Aliases.Where(a => a.Value == id).Select(a => a.Key)];
    }
}
