using System.Text.Json;
using CityPulse.AiGateway.Models.Domain;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models;

/// <summary>Takes secrets and addresses of persons out of messages on their way to a provider. What is kept here stays whole.</summary>
internal sealed class Redaction(bool secrets, bool emails)
{
    public IEnumerable<ChatMessage> Apply(List<ChatMessage> messages) => secrets || emails ? messages.Select(Apply) : messages;

    private ChatMessage Apply(ChatMessage message)
    {
        List<AIContent>? changed = null;
        for (var i = 0; i < message.Contents.Count; i++)
        {
            if (Apply(message.Contents[i]) is { } other)
            {
                changed ??= [.. message.Contents];
                changed[i] = other;
            }
        }

        if (changed is null)
        {
            return message;
        }

        var copy = message.Clone();
        copy.Contents = changed;
        return copy;
    }

    /// <summary>Null when there is nothing to take out.</summary>
    private AIContent? Apply(AIContent content)
    {
        switch (content)
        {
            case TextContent { Text: { } text } when Clean(text) is var clean && clean != text:
                return new TextContent(clean);
            case FunctionResultContent { Result: { } result } call:
                var written = result is string said ? said : result is JsonElement json ? json.GetRawText() : JsonSerializer.Serialize(result, Tools.CityTools.Serializer);
                return Clean(written) is var cleaned && cleaned != written ? new FunctionResultContent(call.CallId, cleaned) : null;
            default:
                return null;
        }
    }

    private string Clean(string text) => SensitiveText.Redact(text, secrets, emails);
}
