using CityPulse.Api.Audit.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Audit.Domain;

public sealed class AuditActionTests
{
    private const string Id = "01926e3a-0000-7000-8000-000000000000";

    [Theory]
    [InlineData("POST", "/api/v1/citypulse/buildings", "buildings.create")]
    [InlineData("PUT", $"/api/v1/citypulse/buildings/{Id}", "buildings.update")]
    [InlineData("PATCH", $"/api/v1/users/{Id}", "users.update")]
    [InlineData("DELETE", $"/api/v1/citypulse/device-keys/{Id}", "device-keys.delete")]
    [InlineData("GET", "/api/v1/users", "users.read")]
    [InlineData("POST", $"/api/v1/citypulse/alerts/{Id}/acknowledge", "alerts.acknowledge")]
    [InlineData("POST", "/api/v1/citypulse/alerts/rules", "alerts.rules.create")]
    [InlineData("POST", $"/api/v1/citypulse/alerts/channels/{Id}/test", "alerts.channels.test")]
    [InlineData("GET", $"/api/v1/citypulse/buildings/{Id}/sensors", "buildings.sensors.read")]
    [InlineData("POST", "/api/v1/auth/login", "auth.login")]
    [InlineData("POST", "/api/v1/ai/chat", "ai.chat")]
    [InlineData("DELETE", $"/api/v1/ai/conversations/{Id}", "ai.conversations.delete")]
    [InlineData("POST", $"/api/v1/swarm/runs/{Id}/cancel", "swarm.runs.cancel")]
    [InlineData("GET", "/ws", "ws.read")]
    [InlineData("POST", "/", "unknown")]
    [InlineData("POST", "/api/v1/ai/<script>%00", "ai._script__00")]
    public void A_call_is_named_by_what_it_does(string method, string path, string action) => AuditAction.Of(method, path).ShouldBe(action);

    [Fact]
    public void A_name_is_never_long() => AuditAction.Of("POST", "/api/v1/ai/" + new string('x', 5000)).Length.ShouldBe(100);
}
