using CityPulse.AiGateway.Local;
using CityPulse.Contracts;
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

/// <summary>The models to try for a request, in order.</summary>
internal sealed record ModelRoute(IReadOnlyList<ModelInfo> Models)
{
    public ModelInfo First => Models[0];
}

/// <summary>The models of the configuration, by id and alias.</summary>
internal sealed class ModelCatalogue
{
    public const string LocalProvider = "local";
    public const string LocalModel = $"{LocalProvider}/city-assistant";

    private readonly Dictionary<string, ModelInfo> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, ModelRoute> _routes = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<Frontend, ModelRoute> _byFrontend = [];
    private readonly ModelRoute _default;

    public ModelCatalogue(IOptions<AiOptions> options)
    {
        Models = Describe(options.Value);
        var local = Models.Single(m => m.Id == LocalModel);
        foreach (var model in Models)
        {
            Add(model.Id, [model]);
            foreach (var alias in model.Aliases)
            {
                Add(alias, [model]);
            }
        }

        foreach (var (alias, models) in options.Value.Aliases)
        {
            Add(alias, [.. Split(models).Select(m => _byName[m])]);
        }

        _default = string.IsNullOrWhiteSpace(options.Value.DefaultModel) ? _routes[Models.First(m => m.Available).Id] : _routes[options.Value.DefaultModel];
        foreach (var frontend in Enum.GetValues<Frontend>())
        {
            if (options.Value.FrontendModels.TryGetValue(frontend.ToString(), out var named))
            {
                _byFrontend[frontend] = _routes[named];
            }
        }

        void Add(string name, IReadOnlyList<ModelInfo> chain)
        {
            var usable = chain.Where(m => m.Available).ToList();
            if (usable.Count > 0 && options.Value.FallbackToLocal && !usable.Contains(local))
            {
                usable.Add(local);
            }

            _byName[name] = chain[0];
            _routes[name] = new ModelRoute(usable);
        }
    }

    public IReadOnlyList<ModelInfo> Models { get; }

    public ModelInfo Default => _default.First;

    public ModelInfo? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The models to try for a name, or for a request that names none; null where there is no such model or none of them has a key.</summary>
    public ModelRoute? Route(string? name, Frontend? frontend)
    {
        var route = name is null
            ? frontend is { } known ? _byFrontend.GetValueOrDefault(known, _default) : _default
            : _routes.GetValueOrDefault(name);
        return route is { Models.Count: > 0 } ? route : null;
    }

    /// <summary>Models with a key come before the built-in one, which needs none and is always there.</summary>
    internal static IReadOnlyList<ModelInfo> Describe(AiOptions options)
    {
        var hosted = Provider.All(options).SelectMany(p => p.Models.Select(m =>
        {
            var id = $"{p.Name}/{m.Name}";
            return new ModelInfo(id, p.Name, p.Options.IsConfigured, m.InputPricePerMTok, m.OutputPricePerMTok, m.ContextTokens, Aliases(id));
        }));
        return [.. hosted, new(LocalModel, LocalProvider, Available: true, 0, 0, CityAssistant.ContextTokens, ["local", .. Aliases(LocalModel)])];

        IReadOnlyList<string> Aliases(string id) => [.. options.Aliases.Where(a => Split(a.Value).FirstOrDefault() == id).Select(a => a.Key)];
    }

    /// <summary>The models of an alias.</summary>
    internal static string[] Split(string models) => models.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
