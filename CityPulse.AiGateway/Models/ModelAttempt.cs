using CityPulse.AiGateway.Accounting;
using CityPulse.AiGateway.Accounting.Domain;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models;

/// <summary>One call of one model: its place at the provider, its money, its time limit, and what is known of its usage.</summary>
internal sealed class ModelAttempt(
    ModelInfo model, ProviderGate? gate, CallAccount account, Reservation? reservation, long estimatedInput, UsageLedger ledger, TimeLimits limits,
    CancellationToken caller) : IDisposable
{
    private readonly TimeLimit _limit = limits.Begin(caller);
    private UsageDetails? _usage;
    private long _characters;
    private bool _isDisposed;

    public ModelInfo Model => model;

    /// <summary>How long an answer the money that was set aside pays for; null where none was.</summary>
    public int? ReservedOutputTokens => reservation?.OutputTokens;

    /// <summary>Ends when the caller leaves or the time is over.</summary>
    public CancellationToken Token => _limit.Token;

    /// <summary>Whether anything came back, so that the provider will have counted tokens.</summary>
    public bool HasBegun { get; private set; }

    public bool IsFinished { get; private set; }

    public bool IsSettled { get; private set; }

    public decimal? CostUsd { get; private set; }

    /// <summary>From now on the provider has so long; null: no limit.</summary>
    public void Limit(Func<ProviderOptions, int>? seconds) =>
        _limit.EndAfter(seconds is null || gate is null ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(seconds(gate.Options)));

    public void Succeeded() => gate?.Breaker.Succeeded();

    public void Failed(DateTimeOffset now) => gate?.Breaker.Failed(now);

    public void Saw(ChatResponse response)
    {
        (HasBegun, IsFinished, _usage) = (true, true, response.Usage);
        _characters = response.Text.Length;
    }

    public void Saw(ChatResponseUpdate update)
    {
        HasBegun = true;
        IsFinished |= update.FinishReason is not null;
        foreach (var content in update.Contents)
        {
            switch (content)
            {
                case UsageContent { Details: var details }:
                    if (_usage is null)
                    {
                        _usage = details;
                    }
                    else
                    {
                        _usage.Add(details);
                    }

                    break;
                case TextContent text:
                    _characters += text.Text.Length;
                    break;
                case FunctionCallContent call:
                    _characters += call.Name.Length + (call.Arguments?.Sum(a => a.Key.Length + (a.Value?.ToString()?.Length ?? 0)) ?? 0);
                    break;
            }
        }
    }

    /// <summary>
    /// Writes the call down; to be done once. What was cut off before the provider counted is estimated from what was sent and seen, unless nothing
    /// of it can have been charged.
    /// </summary>
    /// <param name="mayBeCharged">Whether the provider worked on the request although it gave nothing.</param>
    public Task SettleAsync(string outcome, bool mayBeCharged)
    {
        IsSettled = true;
        var isCounted = _usage is { } && (_usage.InputTokenCount is not null || _usage.OutputTokenCount is not null);
        var isEstimated = !isCounted && (HasBegun || mayBeCharged);
        var input = isCounted ? _usage!.InputTokenCount ?? 0 : isEstimated ? estimatedInput : 0;
        // A stream that was cut may have told the input only.
        var output = isCounted && (IsFinished || _usage!.OutputTokenCount > 0) ? _usage!.OutputTokenCount ?? 0 : TokenEstimate.Of(_characters);
        CostUsd = model.Cost(input, output);
        return ledger.SettleAsync(account, new CallRecord(model, input, output, CostUsd, outcome, isEstimated || (!IsFinished && HasBegun)), reservation);
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        gate?.Leave();
        limits.End(_limit, isReusable: IsFinished);
    }
}
