using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using CityPulse.AiGateway.Models;
using CityPulse.ServiceDefaults.Json;
using CityPulse.ServiceDefaults.Redis;
using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace CityPulse.AiGateway.OpenAi;

/// <summary>An answer that was given before.</summary>
/// <param name="Key">Of the request; what stands in a slot may be another's.</param>
internal sealed record KeptCompletion(string Key, string Model, string Content, string FinishReason, long PromptTokens, long CompletionTokens);

/// <summary>
/// Answers to requests that are put again in the very same words, by the same rights in the same organisation. Only where the answer would
/// be meant to be the same: at temperature 0 and without tools, whose results change. Each organisation has so many slots and no more.
/// </summary>
internal sealed class CompletionCache(RedisReach redis, IOptions<AiOptions> options)
{
    private const int Slots = 1000;
    private const int LongestAnswer = 64 * 1024;

    private readonly TimeSpan _kept = TimeSpan.FromSeconds(options.Value.CacheSeconds);

    /// <summary>Null where the answer is not to be kept.</summary>
    public string? KeyOf(ChatCompletionRequest request, Caller caller, ModelRoute route)
    {
        if (_kept == TimeSpan.Zero || request is not { Temperature: 0, Stream: not true, Tools: null or { Count: 0 } } || route.First.Provider == ModelCatalogue.LocalProvider)
        {
            return null;
        }

        var said = JsonSerializer.SerializeToUtf8Bytes(new { caller.Role, caller.Frontend, Models = route.Models.Select(m => m.Id), request }, JsonDefaults.Options);
        return Convert.ToHexStringLower(SHA256.HashData(said));
    }

    public async Task<KeptCompletion?> FindAsync(string key, Caller caller)
    {
        var (answered, found) = await redis.AskAsync(SlotOf(key, caller), static (database, slot) => database.StringGetAsync(slot));
        return answered && found.HasValue && JsonSerializer.Deserialize<KeptCompletion>($"{found}", JsonDefaults.Options) is { } kept && kept.Key == key ? kept : null;
    }

    /// <summary>Keeps a whole answer of the model that was asked for.</summary>
    public async Task KeepAsync(string key, Caller caller, ModelRoute route, Completion answer)
    {
        if (answer.Choices is not [{ FinishReason: "stop", Message: { ToolCalls: null, Content: { Length: > 0 and <= LongestAnswer } content } }] || answer.Model != route.First.Id)
        {
            return;
        }

        var kept = JsonSerializer.Serialize(
            new KeptCompletion(key, answer.Model, content, "stop", answer.Usage.PromptTokens, answer.Usage.CompletionTokens), JsonDefaults.Options);
        await redis.AskAsync((Slot: SlotOf(key, caller), kept, _kept), static (database, state) => database.StringSetAsync(state.Slot, state.kept, state._kept));
    }

    private static RedisKey SlotOf(string key, Caller caller) => string.Create(
        CultureInfo.InvariantCulture, $"citypulse:ai:answer:{caller.OrganizationId:N}:{uint.Parse(key.AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture) % Slots}");
}
