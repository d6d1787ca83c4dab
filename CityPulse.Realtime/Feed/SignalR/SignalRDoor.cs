using System.Security.Cryptography;
using System.Text.Json;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using MessagePack.Resolvers;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.WebUtilities;

namespace CityPulse.Realtime.Feed.SignalR;

/// <summary>SignalR's side of the door.</summary>
internal static class SignalRDoor
{
    public static void AddSignalRDoor(this WebApplicationBuilder builder)
    {
        builder.Services.AddSignalR(options => options.MaximumReceiveMessageSize = Door.LongestCall)
            .AddJsonProtocol(options => options.PayloadSerializerOptions.Converters.Add(new FeedEventJsonConverter()))
            .AddMessagePackProtocol(options => options.SerializerOptions = options.SerializerOptions.WithResolver(
                CompositeResolver.Create(FeedFormatters.All, [options.SerializerOptions.Resolver])));
        builder.Services.AddSingleton<HubLifetimeManager<FeedHub>, FeedLifetime>();
    }

    public static void MapSignalRDoor(this WebApplication app)
    {
        // Before SignalR's own: that would promise a connection which only the replica that promised it knows.
        app.MapPost($"{Door.Path}/negotiate", Negotiate)
            .WithOrder(-1)
            .WithSummary("What SignalR clients ask first: WebSockets only.")
            .RequirePermission(Permission.Realtime);
        app.MapHub<FeedHub>(Door.Path, options =>
        {
            options.Transports = HttpTransportType.WebSockets;
            // A client that stands still for longer is gone.
            options.TransportSendTimeout = TimeSpan.FromSeconds(30);
        }).RequirePermission(Permission.Realtime);
    }

    private static JsonHttpResult<Negotiation> Negotiate() => TypedResults.Json(
        new Negotiation(1, NewId(), NewId(), [new AvailableTransport("WebSockets", ["Text", "Binary"])]), JsonSerializerOptions.Web);

    private static string NewId() => WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(16));

    private sealed record Negotiation(int NegotiateVersion, string ConnectionId, string ConnectionToken, AvailableTransport[] AvailableTransports);

    private sealed record AvailableTransport(string Transport, string[] TransferFormats);
}
