using System.Text;
using CityPulse.Realtime.SocketIo.Domain;
using Shouldly;

namespace CityPulse.Tests.Realtime.SocketIo.Domain;

public sealed class SocketPacketTests
{
    [Theory]
    [InlineData("0", (int)PacketKind.Connect, "/", null, "")]
    [InlineData("0{\"token\":\"x\"}", (int)PacketKind.Connect, "/", null, "{\"token\":\"x\"}")]
    [InlineData("0/admin,{\"a\":1}", (int)PacketKind.Connect, "/admin", null, "{\"a\":1}")]
    [InlineData("0/admin?old=1,", (int)PacketKind.Connect, "/admin", null, "")]
    [InlineData("0/admin", (int)PacketKind.Connect, "/admin", null, "")]
    [InlineData("1", (int)PacketKind.Disconnect, "/", null, "")]
    [InlineData("2[\"ping\"]", (int)PacketKind.Event, "/", null, "[\"ping\"]")]
    [InlineData("212[\"ping\"]", (int)PacketKind.Event, "/", 12L, "[\"ping\"]")]
    [InlineData("2/admin,7[\"x\"]", (int)PacketKind.Event, "/admin", 7L, "[\"x\"]")]
    [InlineData("51-3[\"x\",{}]", (int)PacketKind.BinaryEvent, "/", 3L, "[\"x\",{}]")]
    public void A_packet_is_read_in_its_parts(string text, int kind, string name, long? ackId, string json)
    {
        SocketPacket.TryParse(Encoding.UTF8.GetBytes(text), out var packet).ShouldBeTrue();
        packet.Kind.ShouldBe((PacketKind)kind);
        packet.Namespace.ShouldBe(name);
        packet.AckId.ShouldBe(ackId);
        Encoding.UTF8.GetString(packet.Json.Span).ShouldBe(json);
    }

    [Theory]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("x")]
    [InlineData("5[\"x\"]")]
    [InlineData("51[\"x\"]")]
    [InlineData("299999999999999999999[\"x\"]")]
    public void What_is_no_packet_is_refused(string text) => SocketPacket.TryParse(Encoding.UTF8.GetBytes(text), out _).ShouldBeFalse();

    [Fact]
    public void A_namespace_has_a_longest_name() =>
        SocketPacket.TryParse(Encoding.UTF8.GetBytes("0/" + new string('x', 300)), out _).ShouldBeFalse();

    [Theory]
    [InlineData("4", "websocket", null, true, true, null)]
    [InlineData("4", "polling", null, true, false, 0)]
    [InlineData("4", null, null, true, false, 0)]
    [InlineData("4", "websocket", "abc", true, true, 1)]
    [InlineData("4", "websocket", null, false, false, 2)]
    [InlineData("4", "websocket", null, true, false, 3)]
    [InlineData("3", "websocket", null, true, true, 5)]
    public void A_handshake_is_judged_as_engine_io_does(string? version, string? transport, string? session, bool isGet, bool isUpgrade, int? code) =>
        (EngineHandshake.Judge(version, transport, session, isGet, isUpgrade)?.Code).ShouldBe(code);
}
