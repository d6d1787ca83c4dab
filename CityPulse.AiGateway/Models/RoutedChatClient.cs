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
    ModelRoute route, CallAccount account, ProviderClients clients, UsageLedger ledger, Redaction redaction, TimeLimits limits, TimeProvider time) : IChatClient
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);

    private List<Fallback>? _fallbacks;
    private int _at;
    private bool _hasUnknownCost;
    private decimal _costUsd;

    /// <summary>The model that answered.</summary>
    public ModelInfo Model => route.Models[_at];

    public IReadOnlyList<Fallback> Fallbacks => _fallbacks ?? [];

    /// <summary>What all calls of the turn cost; null where a price is unknown.</summary>
    public decimal? CostUsd => _hasUnknownCost ? null : _costUsd;

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var all = Listed(messages);
        for (var retries = 0; ;)
        {
            ModelAttempt? attempt = null;
            try
            {
                attempt = await StartAsync(route.Models[_at], all, options, cancellationToken);
                attempt.Limit(static o => o.TimeoutSeconds);
                var response = await clients.For(attempt.Model).GetResponseAsync(For(attempt.Model, all), Options(options, attempt), attempt.Token);
                attempt.Saw(response);
                await SettleAsync(attempt, "completed", mayBeCharged: true);
                attempt.Succeeded();
                attempt.Dispose();
                return response;
            }
            catch (Exception e)
            {
                if (await FailedAsync(attempt, e, retries, cancellationToken) is not { } next)
                {
                    throw;
                }

                retries = next;
            }
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (attempt, stream, first) = await OpenFirstAsync(Listed(messages), options, cancellationToken);
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
                attempt.Limit(static o => o.NextTokenTimeoutSeconds);
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
    private async Task<(ModelAttempt Attempt, IAsyncEnumerator<ChatResponseUpdate> Stream, List<ChatResponseUpdate> First)> OpenFirstAsync(
        List<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        for (var retries = 0; ;)
        {
            ModelAttempt? attempt = null;
            try
            {
                attempt = await StartAsync(route.Models[_at], messages, options, cancellationToken);
                var opened = await OpenAsync(attempt, messages, options);
                attempt.Succeeded();
                return opened;
            }
            catch (Exception e)
            {
                if (await FailedAsync(attempt, e, retries, cancellationToken) is not { } next)
                {
                    throw;
                }

                retries = next;
            }
        }
    }

    private async Task<(ModelAttempt Attempt, IAsyncEnumerator<ChatResponseUpdate> Stream, List<ChatResponseUpdate> First)> OpenAsync(
        ModelAttempt attempt, List<ChatMessage> messages, ChatOptions? options)
    {
        attempt.Limit(static o => o.FirstTokenTimeoutSeconds);
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

    /// <summary>
    /// Writes down that an attempt failed, and makes ready for the next: after a pause the same model, or the next of the chain at once.
    /// </summary>
    /// <returns>How often the model has been asked again; null where there is nothing left to try, or the provider is not to blame.</returns>
    private async Task<int?> FailedAsync(ModelAttempt? attempt, Exception e, int retries, CancellationToken cancellationToken)
    {
        var fault = cancellationToken.IsCancellationRequested ? null : ProviderFault.Of(e);
        if (attempt is not null)
        {
            using (attempt)
            {
                var outcome = fault?.Reason ?? (cancellationToken.IsCancellationRequested ? "cancelled" : "fault");
                Judge(attempt, outcome);
                await SettleAsync(attempt, outcome, mayBeCharged: outcome is "cancelled" or "timeout" or "cut_off" or "malformed");
            }
        }

        if (fault is not { IsProviders: true })
        {
            return null;
        }

        if (Pause(fault, retries) is { } pause)
        {
            await Task.Delay(pause, time, cancellationToken);
            return retries + 1;
        }

        if (_at == route.Models.Count - 1)
        {
            return null;
        }

        (_fallbacks ??= []).Add(new Fallback(route.Models[_at].Id, fault.Reason));
        ledger.CountFallback(fault.Reason);
        _at++;
        return 0;
    }

    private async ValueTask<ModelAttempt> StartAsync(ModelInfo model, List<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
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
            return new ModelAttempt(model, gate, account, reservation, input, ledger, limits, cancellationToken);
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
        var instructions = attempt.Model.Provider == ModelCatalogue.LocalProvider ? wanted?.Instructions : redaction.Apply(wanted?.Instructions);
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
            attempt.Failed(time.GetUtcNow());
        }
    }

    private Task SettleAsync(ModelAttempt attempt, string outcome, bool mayBeCharged)
    {
        if (attempt.IsSettled)
        {
            return Task.CompletedTask;
        }

        var settled = attempt.SettleAsync(outcome, mayBeCharged);
        _hasUnknownCost |= attempt.CostUsd is null;
        _costUsd += attempt.CostUsd ?? 0;
        return settled;
    }

    private IEnumerable<ChatMessage> For(ModelInfo model, List<ChatMessage> messages) =>
        model.Provider == ModelCatalogue.LocalProvider ? messages : redaction.Apply(messages);

    private static List<ChatMessage> Listed(IEnumerable<ChatMessage> messages) => messages as List<ChatMessage> ?? [.. messages];

    private static long Characters(List<ChatMessage> messages)
    {
        long all = 0;
        foreach (var message in messages)
        {
            for (var i = 0; i < message.Contents.Count; i++)
            {
                all += message.Contents[i] switch
                {
                    TextContent text => text.Text.Length,
                    FunctionCallContent call => call.Name.Length + (call.Arguments?.Sum(a => a.Key.Length + (a.Value?.ToString()?.Length ?? 0)) ?? 0),
                    FunctionResultContent result => result.Result?.ToString()?.Length ?? 0,
                    _ => 0,
                };
            }
        }

        return all;
    }

    private static long Characters(ChatOptions? options) => options?.Tools is { } tools
        ? tools.OfType<AIFunctionDeclaration>().Sum(t => (long)t.Name.Length + t.Description.Length + t.JsonSchema.GetRawText().Length)
        : 0;
}
