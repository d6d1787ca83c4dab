using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Realtime.Presence;

/// <summary>Who is there, over replicas, protocols and connections.</summary>
public sealed class PresenceTests(TestStores stores)
{
    [Fact]
    public async Task A_person_is_there_from_the_first_connection_to_the_end_of_the_last()
    {
        await using var stack = await LiveStack.StartAsync(stores);
        var city = await stack.RegisterAsync();
        var stranger = await stack.RegisterAsync();
        var (grace, graceId) = await InviteAsync(stack, city, "Grace");

        await using var watcher = await LiveClient.ConnectAsync(stack.Replicas[0], city.AccessToken);
        await watcher.SubscribeAsync(["presence"]);
        (await UntilAsync(watcher, online => online.Count == 1)).ShouldBe(["Ada Admin"]);
        await using var foreign = await LiveClient.ConnectAsync(stack.Replicas[0], stranger.AccessToken);
        await foreign.SubscribeAsync(["presence"]);

        // The second connection, at another replica and by another protocol, changes nothing; nor does the end of the first.
        var first = await LiveClient.ConnectAsync(stack.Replicas[0], grace);
        (await UntilAsync(watcher, online => online.Count == 2)).ShouldBe(["Ada Admin", "Grace"]);
        var second = await SocketIoClient.ConnectAsync(stack.Replicas[1].Door, grace);
        (await second.CallAsync("subscribe", new { topics = new[] { "presence" } })).TryGetProperty("error", out _).ShouldBeFalse();
        var told = await second.NextAsync();
        told.GetProperty("type").GetString().ShouldBe("presence.changed");
        var entry = told.GetProperty("data").GetProperty("online").EnumerateArray().Single(p => p.GetProperty("userId").GetGuid() == graceId);
        entry.EnumerateObject().Select(m => m.Name).ShouldBe(["userId", "displayName", "frontend"]);
        await first.DisposeAsync();
        await Eventually.TrueAsync(() => stack.Replicas[0].Broadcaster.Connections.Count == 2, "the first connection is gone");
        await second.DisposeAsync();
        (await UntilAsync(watcher, online => online.Count == 1)).ShouldBe(["Ada Admin"]);

        // Another organisation sees its own people only.
        var seen = new List<string>();
        while (foreign.TryNext(out var other))
        {
            seen.AddRange(Names(other));
            other.GetProperty("data").GetProperty("online").GetArrayLength().ShouldBe(1);
        }
    }

    [Fact]
    public async Task The_people_of_a_killed_replica_leave_when_its_report_ends()
    {
        await using var stack = await LiveStack.StartAsync(stores);
        var city = await stack.RegisterAsync();
        var (grace, _) = await InviteAsync(stack, city, "Grace");
        await using var watcher = await LiveClient.ConnectAsync(stack.Replicas[0], city.AccessToken);
        await watcher.SubscribeAsync(["presence"]);
        await using var lost = await LiveClient.ConnectAsync(stack.Replicas[1], grace);
        await UntilAsync(watcher, online => online.Count == 2);

        await using var redis = await stack.ConnectRedisAsync();
        var before = await redis.GetDatabase().SetMembersAsync(PresenceReport.Replicas);
        before.Length.ShouldBe(2);
        foreach (var replica in before)
        {
            // It ends by itself.
            (await redis.GetDatabase().KeyTimeToLiveAsync(PresenceReport.Key(replica!))).ShouldNotBeNull().ShouldBeLessThanOrEqualTo(PresenceReport.Lifetime);
        }

        // A replica that is gone takes nothing back and renews nothing: what is left is the end of its report, brought forward here.
        await stack.Replicas[1].DisposeAsync();
        foreach (var replica in before)
        {
            await redis.GetDatabase().KeyDeleteAsync(PresenceReport.Key(replica!));
        }

        (await UntilAsync(watcher, online => online.Count == 1 && online[0] == "Ada Admin")).ShouldBe(["Ada Admin"]);
    }

    private static async Task<List<string>> UntilAsync(LiveClient client, Func<List<string>, bool> condition)
    {
        List<string> online;
        do
        {
            online = Names(await client.NextAsync());
        }
        while (!condition(online));
        return online;
    }

    private static List<string> Names(JsonElement told) =>
        [.. told.GetProperty("data").GetProperty("online").EnumerateArray().Select(person => person.GetProperty("displayName").GetString()!)];

    private static async Task<(string Token, Guid Id)> InviteAsync(LiveStack stack, City city, string name)
    {
        var email = $"{Guid.NewGuid():N}@example.org";
        using var invited = await city.Client.PostAsJsonAsync("/api/v1/users", new { email, displayName = name, role = "User", password = City.Password });
        await invited.ReadAsync(HttpStatusCode.Created);
        using var client = stack.Api.CreateClient();
        using var login = await client.PostAsJsonAsync("/api/v1/auth/login", new { email, password = City.Password });
        var session = await login.ReadAsync(HttpStatusCode.OK);
        return (session.GetProperty("accessToken").GetString()!, session.GetProperty("user").GetProperty("id").GetGuid());
    }
}
