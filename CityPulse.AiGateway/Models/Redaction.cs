using System.Text.Json;
using CityPulse.AiGateway.Models.Domain;
using Microsoft.Extensions.AI;

namespace CityPulse.AiGateway.Models;

/// <summary>Takes secrets and what leads to persons out of messages on their way to a provider. What is kept here stays whole.</summary>
internal sealed class Redaction(SensitiveKinds kinds)
{
    public static Redaction Of(AiOptions options) => new(
        Kind(options.RedactSecrets, SensitiveKinds.Secrets) | Kind(options.RedactEmails, SensitiveKinds.Emails) | Kind(options.RedactPhones, SensitiveKinds.Phones)
        | Kind(options.RedactIbans, SensitiveKinds.Ibans) | Kind(options.RedactCards, SensitiveKinds.Cards));

    public IReadOnlyList<ChatMessage> Apply(IReadOnlyList<ChatMessage> messages)
    {
        if (kinds == SensitiveKinds.None)
        {
            return messages;
        }

        List<ChatMessage>? changed = null;
        for (var i = 0; i < messages.Count; i++)
        {
            var clean = Apply(messages[i]);
            if (!ReferenceEquals(clean, messages[i]))
            {
                changed ??= [.. messages];
                changed[i] = clean;
            }
        }

        return changed ?? messages;
    }

    public string? Apply(string? text) => text is null ? null : Clean(text);

    private static SensitiveKinds Kind(bool isOn, SensitiveKinds kind) => isOn ? kind : SensitiveKinds.None;

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

        var author = message.AuthorName is { } name ? Clean(name) : null;
        if (changed is null && author == message.AuthorName)
        {
            return message;
        }

        var copy = message.Clone();
        (copy.Contents, copy.AuthorName) = (changed ?? message.Contents, author);
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
            case FunctionCallContent { Arguments: { Count: > 0 } arguments } call:
                var asked = JsonSerializer.Serialize(arguments, Tools.CityTools.Serializer);
                return Clean(asked) is var plain && plain != asked
                    ? new FunctionCallContent(call.CallId, call.Name, JsonSerializer.Deserialize<Dictionary<string, object?>>(plain, Tools.CityTools.Serializer))
                    : null;
            default:
                return null;
        }
    }

    private string Clean(string text) => SensitiveText.Redact(text, kinds);
}
