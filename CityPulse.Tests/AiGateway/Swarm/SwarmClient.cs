using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Swarm;

/// <summary>One server-sent event of a run.</summary>
internal sealed record RunEvent(long Id, string Type, JsonElement Data);

/// <summary>The swarm's calls, as a client makes them.</summary>
internal static class SwarmClient
{
    public const string Root = "/api/v1/swarm";

    public static Task<HttpResponseMessage> OrchestrateAsync(this HttpClient client, object body) => client.PostAsJsonAsync($"{Root}/orchestrate", body);

    /// <summary>Starts a run and gives its id.</summary>
    public static async Task<string> StartRunAsync(this HttpClient client, object body)
    {
        using var response = await client.OrchestrateAsync(body);
        var answer = await response.ReadAsync(HttpStatusCode.Accepted);
        answer.GetProperty("status").GetString().ShouldBe("queued");
        var id = answer.GetProperty("runId").GetString()!;
        response.Headers.Location!.ToString().ShouldBe($"{Root}/runs/{id}");
        return id;
    }

    public static async Task<JsonElement> GetRunAsync(this HttpClient client, string id)
    {
        using var response = await client.GetAsync($"{Root}/runs/{id}");
        return await response.ReadAsync(HttpStatusCode.OK);
    }

    public static async Task<JsonElement> EndOfRunAsync(this HttpClient client, string id)
    {
        JsonElement run = default;
        await Eventually.TrueAsync(async () =>
        {
            run = await client.GetRunAsync(id);
            return run.GetProperty("status").GetString() is not ("queued" or "running");
        }, $"the run {id} has ended");
        return run;
    }

    /// <summary>Events of a run until the stream ends by itself, or as many as asked for.</summary>
    public static async Task<List<RunEvent>> EventsAsync(this HttpClient client, string id, long? after = null, int most = int.MaxValue)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Root}/runs/{id}/events");
        if (after is { } last)
        {
            request.Headers.Add("Last-Event-ID", $"{last}");
        }

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return await ReadEventsAsync(response, most);
    }

    public static async Task<List<RunEvent>> ReadEventsAsync(HttpResponseMessage response, int most = int.MaxValue)
    {
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        var events = new List<RunEvent>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(limit.Token)).EnumerateAsync(limit.Token))
        {
            events.Add(new RunEvent(long.Parse(item.EventId!, System.Globalization.CultureInfo.InvariantCulture), item.EventType, JsonElement.Parse(item.Data)));
            if (events.Count == most)
            {
                break;
            }
        }

        return events;
    }

    public static List<string> Agents(this JsonElement run) => [.. run.GetProperty("steps").EnumerateArray().Select(s => s.GetProperty("agent").GetString()!)];
}
