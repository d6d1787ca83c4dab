using System.Text.Json;
using CityPulse.Realtime.Feed;

namespace CityPulse.Realtime.SocketIo;

/// <summary>The answer to a call that is refused.</summary>
internal sealed record CallError(string Error);

/// <summary>The calls of <c>docs/realtime.md</c>, for Socket.IO clients: events with an acknowledgement.</summary>
internal sealed class SocketIoCalls(Subscriptions subscriptions)
{
    /// <summary>Does what an event asks for; returns what to acknowledge it with.</summary>
    /// <param name="call">The event's JSON: its name, and its arguments.</param>
    public async Task<object> AnswerAsync(FeedConnection connection, JsonElement call)
    {
        var name = call[0].GetString();
        var argument = call.GetArrayLength() > 1 ? call[1] : default;
        switch (name)
        {
            case "subscribe":
                return Arguments.TryRead(argument, ["topics", "since", "maxPerSecond"], out var wanted, out var fault)
                    ? Answer(await subscriptions.SubscribeAsync(connection, wanted.Topics, wanted.Since, wanted.MaxPerSecond))
                    : new CallError(fault);
            case "unsubscribe":
                return Arguments.TryRead(argument, ["topics"], out var left, out fault)
                    ? Answer(await subscriptions.UnsubscribeAsync(connection, left.Topics))
                    : new CallError(fault);
            case "ping":
                return subscriptions.ServerTime();
            default:
                return new CallError("There are the events subscribe, unsubscribe and ping.");
        }
    }

    private static object Answer<T>(Outcome<T> outcome)
        where T : class => (object?)outcome.Value ?? new CallError(outcome.Refusal!);

    /// <summary>The object that comes with a call.</summary>
    private readonly record struct Arguments(IReadOnlyList<string?>? Topics, string? Since, double? MaxPerSecond)
    {
        public static bool TryRead(JsonElement json, string[] known, out Arguments arguments, out string fault)
        {
            arguments = default;
            if (IsListOfTexts(json))
            {
                // Topics alone need no object around them.
                (arguments, fault) = (new Arguments(Texts(json), null, null), "");
                return true;
            }

            if (json.ValueKind != JsonValueKind.Object)
            {
                fault = "Send one object with the member topics.";
                return false;
            }

            foreach (var member in json.EnumerateObject())
            {
                if (!known.Contains(member.Name))
                {
                    fault = $"There is no member '{(member.Name.Length > 80 ? member.Name[..80] : member.Name)}'; there are {string.Join(", ", known)}.";
                    return false;
                }

                var isFine = member.Name switch
                {
                    "topics" => IsListOfTexts(member.Value),
                    "since" => member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Null,
                    _ => member.Value.ValueKind is JsonValueKind.Number or JsonValueKind.Null,
                };
                if (!isFine)
                {
                    fault = $"{member.Name} must be {(member.Name == "topics" ? "a list of texts" : member.Name == "since" ? "an event id" : "a number")}.";
                    return false;
                }

                arguments = member.Name switch
                {
                    "topics" => arguments with { Topics = Texts(member.Value) },
                    "since" => arguments with { Since = member.Value.GetString() },
                    _ => arguments with { MaxPerSecond = member.Value.ValueKind == JsonValueKind.Null ? null : member.Value.GetDouble() },
                };
            }

            fault = "";
            return true;
        }

        private static bool IsListOfTexts(JsonElement json) =>
            json.ValueKind == JsonValueKind.Array && json.EnumerateArray().All(text => text.ValueKind == JsonValueKind.String);

        private static List<string?> Texts(JsonElement json) => [.. json.EnumerateArray().Select(text => text.GetString())];
    }
}
