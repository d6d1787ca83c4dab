using CityPulse.AiGateway.Accounting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace CityPulse.AiGateway.Models;

/// <summary>A turn's way to models: <see cref="Client"/> runs the tools, <see cref="Route"/> tells afterwards who answered and what it cost.</summary>
internal sealed record ModelSession(IChatClient Client, RoutedChatClient Route);

/// <summary>Opens the way to models for a turn, on somebody's account.</summary>
internal sealed class ModelSessions(ProviderClients clients, UsageLedger ledger, IOptions<AiOptions> options, TimeProvider time)
{
    private readonly Redaction _redaction = Redaction.Of(options.Value);
    private readonly TimeLimits _limits = new(time);

    public ModelSession Open(ModelRoute route, CallAccount account)
    {
        var routed = new RoutedChatClient(route, account, clients, ledger, _redaction, _limits, time);
        return new ModelSession(ModelPipeline.WithTools(routed, options.Value), routed);
    }
}
