using System.Runtime.CompilerServices;
using CityPulse.AiGateway.Accounting;
using CityPulse.AiGateway.Accounting.Domain;
using CityPulse.AiGateway.Chat;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models;

/// <summary>A model that did not answer, and why; the next one of the chain was asked.</summary>
internal sealed record Fallback(string Model, string Reason);

/// <summary>
/// The models of a route as one client, for one turn. Every call of a model, thus every round of tools too, has its own place at the
/// provider, its own time limits and its own entry in the accounts. A stream that has begun is never repeated.
/// </summary>
internal sealed class RoutedChatClient(
    ModelRoute route, CallAccount account, ProviderClients clients, UsageLedger ledger, AiOptions options, TimeProvider time) : IChatClient
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);

    private readonly List<Fallback> _fallbacks = [];
    private readonly Redaction _redaction = Redaction.Of(options);
    private int _at;
    private bool _hasUnknownCost;
    private decimal _costUsd;

    /// <summary>The model that answered.</summary>
    public ModelInfo Model => route.Models[_at];

    public IReadOnlyList<Fallback> Fallbacks => _fallbacks;

    /// <summary>What all calls of the turn cost; null where a price is unknown.</summary>
    public decimal? CostUsd => _hasUnknownCost ? null : _costUsd;

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var all = messages.ToList();
        return FirstThatAnswersAsync(all, options, async attempt =>
        {
            using (attempt)
            {
                attempt.Limit(o => o.TimeoutSeconds);
                var response = await clients.For(attempt.Model).GetResponseAsync(For(attempt.Model, all), Options(options, attempt), attempt.Token);
                attempt.Saw(response);
                await SettleAsync(attempt, "completed", mayBeCharged: true);
                return response;
            }
        }, cancellationToken);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var all = messages.ToList();
        var (attempt, stream, first) = await FirstThatAnswersAsync(all, options, attempt => OpenAsync(attempt, all, options), cancellationToken);
        // Unless it is said otherwise below, the reader has left.
        var outcome = "cancelled";
        try
        {
            foreach (var update in first)
            {
                yield return update;
            }

            while (await NextAsync())
            {
                attempt.Saw(stream.Current);
                yield return stream.Current;
            }

            if (!attempt.IsFinished)
            {
                outcome = "cut_off";
                throw new ProviderCutException();
            }

            outcome = "completed";
        }
        finally
        {
            using (attempt)
            {
                await stream.DisposeAsync();
                Judge(attempt, outcome);
                await SettleAsync(attempt, outcome, mayBeCharged: true);
            }
        }

        async ValueTask<bool> NextAsync()
        {
            try
            {
                attempt.Limit(o => o.NextTokenTimeoutSeconds);
                return await stream.MoveNextAsync();
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                outcome = ProviderFault.Of(e)?.Reason ?? "fault";
                if (outcome != "unreachable")
                {
                    throw;
                }

                outcome = "cut_off";
                throw new ProviderCutException(e);
            }
            finally
            {
                attempt.Limit(null);
            }
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    /// <summary>Until the first word is there, nothing has been given to the caller and the next model can take over.</summary>
    private async Task<(ModelAttempt Attempt, IAsyncEnumerator<ChatResponseUpdate> Stream, List<ChatResponseUpdate> First)> OpenAsync(
        ModelAttempt attempt, List<ChatMessage> messages, ChatOptions? options)
    {
        attempt.Limit(o => o.FirstTokenTimeoutSeconds);
        var stream = clients.For(attempt.Model).GetStreamingResponseAsync(For(attempt.Model, messages), Options(options, attempt), attempt.Token).GetAsyncEnumerator(attempt.Token);
        try
        {
            var first = new List<ChatResponseUpdate>();
            do
            {
                if (!await stream.MoveNextAsync())
                {
                    throw new ProviderCutException();
                }

                attempt.Saw(stream.Current);
                first.Add(stream.Current);
            }
            while (!attempt.IsFinished && !stream.Current.Contents.Any(c => c is not (UsageContent or TextContent { Text: "" })));
            attempt.Limit(null);
            return (attempt, stream, first);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private async Task<T> FirstThatAnswersAsync<T>(
        List<ChatMessage> messages, ChatOptions? options, Func<ModelAttempt, Task<T>> ask, CancellationToken cancellationToken)
    {
        for (var retries = 0; ;)
        {
            ModelAttempt? attempt = null;
            ProviderFault? fault;
            try
            {
                attempt = await StartAsync(route.Models[_at], messages, options, cancellationToken);
                var answer = await ask(attempt);
                clients.GateOf(attempt.Model)?.Breaker.Succeeded();
                return answer;
            }
            catch (Exception e)
            {
                fault = cancellationToken.IsCancellationRequested ? null : ProviderFault.Of(e);
                if (attempt is not null)
                {
                    using (attempt)
                    {
                        var outcome = fault?.Reason ?? (cancellationToken.IsCancellationRequested ? "cancelled" : "fault");
                        Judge(attempt, outcome);
                        await SettleAsync(attempt, outcome, mayBeCharged: outcome is "cancelled" or "timeout" or "cut_off" or "malformed");
                    }
                }

                var isLast = _at == route.Models.Count - 1;
                if (fault is not { IsProviders: true } || (isLast && Pause(fault, retries) is null))
                {
                    throw;
                }
            }

            if (Pause(fault, retries) is { } pause)
            {
                retries++;
                await Task.Delay(pause, time, cancellationToken);
            }
            else
            {
                _fallbacks.Add(new Fallback(route.Models[_at].Id, fault.Reason));
                ledger.CountFallback(fault.Reason);
                (_at, retries) = (_at + 1, 0);
            }
        }
    }

    private async Task<ModelAttempt> StartAsync(ModelInfo model, List<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        var gate = clients.GateOf(model);
        if (gate is not null)
        {
            await gate.EnterAsync(cancellationToken);
        }

        try
        {
            var input = TokenEstimate.Of(Characters(messages) + Characters(options), messages.Count);
            var reservation = await ledger.ReserveAsync(account, model, input, options?.MaxOutputTokens, cancellationToken);
            return new ModelAttempt(model, gate, account, reservation, input, ledger, time, cancellationToken);
        }
        catch
        {
            gate?.Leave();
            throw;
        }
    }

    /// <summary>
    /// Where money was set aside for an answer of some length, the answer is no longer; and instructions are cleaned as messages are.
    /// </summary>
    private ChatOptions? Options(ChatOptions? wanted, ModelAttempt attempt)
    {
        var most = wanted?.MaxOutputTokens ?? attempt.ReservedOutputTokens;
        var instructions = attempt.Model.Provider == ModelCatalogue.LocalProvider ? wanted?.Instructions : _redaction.Apply(wanted?.Instructions);
        if (most == wanted?.MaxOutputTokens && instructions == wanted?.Instructions)
        {
            return wanted;
        }

        var own = wanted?.Clone() ?? new ChatOptions();
        (own.MaxOutputTokens, own.Instructions) = (most, instructions);
        return own;
    }

    /// <summary>How long to wait before the same model is asked again; null when it is not.</summary>
    private TimeSpan? Pause(ProviderFault fault, int retries)
    {
        if (fault.RetryIn is not { } wanted || clients.GateOf(route.Models[_at])?.Options is not { } provider || retries >= provider.MaxRetries)
        {
            return null;
        }

        var pause = wanted > TimeSpan.Zero ? wanted : FirstPause * (1 << retries);
        return pause <= TimeSpan.FromSeconds(provider.MaxRetryDelaySeconds) ? pause : null;
    }

    /// <summary>A refusal of the request says nothing about the provider's health, nor does a caller who left.</summary>
    private void Judge(ModelAttempt attempt, string outcome)
    {
        if (outcome is "timeout" or "unreachable" or "server_error" or "malformed" or "cut_off")
        {
            clients.GateOf(attempt.Model)?.Breaker.Failed(time.GetUtcNow());
        }
    }

    private async Task SettleAsync(ModelAttempt attempt, string outcome, bool mayBeCharged)
    {
        await attempt.SettleAsync(outcome, mayBeCharged);
        _hasUnknownCost |= attempt.CostUsd is null;
        _costUsd += attempt.CostUsd ?? 0;
    }

    private IEnumerable<ChatMessage> For(ModelInfo model, List<ChatMessage> messages) =>
        model.Provider == ModelCatalogue.LocalProvider ? messages : _redaction.Apply(messages);

    private static long Characters(List<ChatMessage> messages) => messages.Sum(m => m.Contents.Sum(c => (long)(c switch
    {
        TextContent text => text.Text.Length,
        FunctionCallContent call => call.Name.Length + (call.Arguments?.Sum(a => a.Key.Length + (a.Value?.ToString()?.Length ?? 0)) ?? 0),
        FunctionResultContent result => result.Result?.ToString()?.Length ?? 0,
        _ => 0,
    })));

    private static long Characters(ChatOptions? options) =>
        options?.Tools?.OfType<AIFunctionDeclaration>().Sum(t => (long)t.Name.Length + t.Description.Length + t.JsonSchema.GetRawText().Length) ?? 0;
}
