using System.Collections.Concurrent;
using Anthropic;
using CityPulse.AiGateway.Local;
using CityPulse.AiGateway.Models.Wire;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Models;

/// <summary>The clients that reach providers, one a model for the life of the process, and what guards each provider.</summary>
internal sealed class ProviderClients : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<IChatClient>> _clients = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Provider> _providers;
    private readonly Dictionary<string, ProviderGate> _gates;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _connections;
    private readonly HttpClient _http;

    public ProviderClients(IOptions<AiOptions> options, TimeProvider time)
    {
        _time = time;
        _providers = Provider.All(options.Value).ToDictionary(p => p.Name);
        _gates = _providers.Values.ToDictionary(p => p.Name, p => new ProviderGate(p.Options, time));
        var connections = ProviderConnections.Create(options.Value.AllowPrivateBaseUrls);
        _connections = new HttpMessageInvoker(connections, disposeHandler: false);
        _http = new HttpClient(new ProviderFaults(connections, time)) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The client of a model, with telemetry around it.</summary>
    public IChatClient For(ModelInfo model) => (_clients.TryGetValue(model.Id, out var known) ? known : Add(model)).Value;

    /// <summary>What guards the provider of a model; null for the built-in one, which needs no guard.</summary>
    public ProviderGate? GateOf(ModelInfo model) => _gates.GetValueOrDefault(model.Provider);

    public void Dispose()
    {
        foreach (var client in _clients.Values.Where(c => c.IsValueCreated))
        {
            client.Value.Dispose();
        }

        foreach (var gate in _gates.Values)
        {
            gate.Dispose();
        }

        _connections.Dispose();
        _http.Dispose();
    }

    private Lazy<IChatClient> Add(ModelInfo model) =>
        _clients.GetOrAdd(model.Id, static (_, add) => new Lazy<IChatClient>(() => ModelPipeline.Observed(add.Clients.Create(add.Model))), (Clients: this, Model: model));

    private IChatClient Create(ModelInfo model)
    {
        if (model.Provider == ModelCatalogue.LocalProvider)
        {
            return new CityAssistant(_time);
        }

        var provider = _providers[model.Provider];
        var name = model.Id[(provider.Name.Length + 1)..];
        return provider.Type == Provider.AnthropicType ? Anthropic(provider, name) : OpenAi(provider, name);
    }

    private WireChatClient OpenAi(Provider provider, string model) => new(_connections, _time, provider.Name, provider.BaseUrl, provider.Options.ApiKey, model);

    private IChatClient Anthropic(Provider provider, string model) =>
        new AnthropicClient
        {
            ApiKey = provider.Options.ApiKey ?? "none",
            BaseUrl = provider.BaseUrl,
            HttpClient = _http,
            MaxRetries = 0,
            Timeout = TimeSpan.FromHours(1),
        }.AsIChatClient(model);
}
