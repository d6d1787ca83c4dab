namespace CityPulse.Realtime.SocketIo.Domain;

/// <summary>What Engine.IO answers to a request that it does not take, in its own words: clients know the codes.</summary>
internal sealed record EngineFault(int Code, string Message)
{
    public static readonly EngineFault TransportUnknown = new(0, "Transport unknown");
    public static readonly EngineFault SessionUnknown = new(1, "Session ID unknown");
    public static readonly EngineFault BadMethod = new(2, "Bad handshake method");
    public static readonly EngineFault BadRequest = new(3, "Bad request");
    public static readonly EngineFault UnsupportedVersion = new(5, "Unsupported protocol version");
}

/// <summary>Judges the request that opens an Engine.IO connection: revision 4, and WebSockets from the first moment.</summary>
internal static class EngineHandshake
{
    /// <summary>The query parameter that tells an Engine.IO client from others.</summary>
    public const string VersionParameter = "EIO";

    public const string TransportParameter = "transport";
    public const string SessionParameter = "sid";

    /// <summary>Why the request is refused; <c>null</c> when it may be upgraded.</summary>
    public static EngineFault? Judge(string? version, string? transport, string? session, bool isGet, bool isUpgrade) =>
        transport != "websocket" ? EngineFault.TransportUnknown
        : version != "4" ? EngineFault.UnsupportedVersion
        // A session begins with its connection and ends with it: there is none to be continued by another request.
        : session is not null ? EngineFault.SessionUnknown
        : isUpgrade ? null
        : isGet ? EngineFault.BadRequest : EngineFault.BadMethod;
}
