using System.Text.Json;
using System.Threading.Channels;
using CityPulse.Contracts;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;

namespace CityPulse.Tests.Realtime;

/// <summary>The real SignalR client with a mailbox: events are taken in order, with a deadline.</summary>
internal sealed class LiveClient : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Channel<JsonElement> _events = Channel.CreateUnbounded<JsonElement>();
    private readonly TaskCompletionSource<Exception?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LiveClient(HubConnection hub)
    {
        Hub = hub;
        hub.On<JsonElement>("event", e => _events.Writer.TryWrite(e));
        hub.Closed += Remember;
    }

    // MessagePack knows no JsonElement: what it read is told in JSON, names as they came.
    private LiveClient(HubConnection hub, bool _)
    {
        Hub = hub;
        hub.On<object>("event", e => _events.Writer.TryWrite(JsonSerializer.SerializeToElement(Plain(e))));
        hub.Closed += Remember;
    }

    public HubConnection Hub { get; }

    /// <summary>Completes when the connection is closed, with the reason if there was one.</summary>
    public Task<Exception?> Closed => _closed.Task.WaitAsync(Patience);

    public static Task<LiveClient> ConnectAsync(RealtimeHost host, string token, bool messagePack = false, bool skipNegotiation = false) =>
        ConnectAsync(host.Door, token, messagePack, skipNegotiation);

    public static async Task<LiveClient> ConnectAsync(Uri door, string token, bool messagePack = false, bool skipNegotiation = false)
    {
        var builder = new HubConnectionBuilder().WithUrl(door, options =>
        {
            options.AccessTokenProvider = () => Task.FromResult<string?>(token);
            options.SkipNegotiation = skipNegotiation;
            if (skipNegotiation)
            {
                options.Transports = HttpTransportType.WebSockets;
            }
        });
        if (messagePack)
        {
            builder.AddMessagePackProtocol();
        }

        var hub = builder.Build();
        var client = messagePack ? new LiveClient(hub, true) : new LiveClient(hub);
        await hub.StartAsync().WaitAsync(Patience);
        return client;
    }

    public async Task<JsonElement> SubscribeAsync(string[] topics, string? since = null) =>
        JsonSerializer.SerializeToElement(Plain(await Hub.InvokeAsync<object>("Subscribe", topics, since).WaitAsync(Patience)));

    public async Task<JsonElement> SubscribePacedAsync(string[] topics, double? maxPerSecond, string? since = null) =>
        JsonSerializer.SerializeToElement(Plain(await Hub.InvokeAsync<object>("SubscribePaced", topics, since, maxPerSecond).WaitAsync(Patience)));

    public async Task<JsonElement> UnsubscribeAsync(params string[] topics) =>
        JsonSerializer.SerializeToElement(Plain(await Hub.InvokeAsync<object>("Unsubscribe", topics).WaitAsync(Patience)));

    /// <summary>The next event.</summary>
    public async Task<JsonElement> NextAsync()
    {
        using var deadline = new CancellationTokenSource(Patience);
        return await _events.Reader.ReadAsync(deadline.Token);
    }

    /// <summary>The next event, if one has come.</summary>
    public bool TryNext(out JsonElement next) => _events.Reader.TryRead(out next);

    public async Task<List<JsonElement>> NextAsync(int count)
    {
        var events = new List<JsonElement>();
        while (events.Count < count)
        {
            events.Add(await NextAsync());
        }

        return events;
    }

    /// <summary>Everything up to and including the event with the id, in the order it came.</summary>
    public async Task<List<string>> IdsThroughAsync(EventId last)
    {
        var ids = new List<string>();
        do
        {
            ids.Add((await NextAsync()).GetProperty("id").GetString()!);
        }
        while (ids[^1] != last.ToString());
        return ids;
    }

    /// <summary>Nothing has come that was not taken. Conclusive after a later event of another client has come.</summary>
    public void ShouldHaveNothingMore() => _events.Reader.TryPeek(out _).ShouldBeFalse();

    public async ValueTask DisposeAsync() => await Hub.DisposeAsync();

    private Task Remember(Exception? reason)
    {
        _closed.TrySetResult(reason);
        return Task.CompletedTask;
    }

    private static object? Plain(object? value) => value switch
    {
        IDictionary<object, object> map => map.ToDictionary(pair => (string)pair.Key, pair => Plain(pair.Value)),
        object[] list => list.Select(Plain).ToArray(),
        _ => value,
    };
}
