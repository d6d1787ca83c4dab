using System.Net;
using CityPulse.ServiceDefaults.RateLimiting.Domain;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.RateLimiting.Domain;

public sealed class TierTableTests
{
    [Theory]
    [InlineData("/api/v1/auth/login", "auth")]
    [InlineData("/API/v1/Auth/LOGIN/", "auth")]
    [InlineData("/api/v1/auth/register", "auth")]
    [InlineData("/api/v1/auth/refresh", "auth")]
    [InlineData("/api/v1/auth/login/more", "citypulse")]
    [InlineData("/api/v1/auth/logout", "citypulse")]
    [InlineData("/api/v1/auth/me", null)]
    [InlineData("/api/v1/auth/me/", null)]
    [InlineData("/api/v1/info", null)]
    [InlineData("/api/v1/ai", "ai")]
    [InlineData("/api/v1/ai/v1/chat/completions", "ai")]
    [InlineData("/api/v1/aid", "citypulse")]
    [InlineData("/api/v1/swarm/runs", "swarm")]
    [InlineData("/api/v1/citypulse/buildings", "citypulse")]
    [InlineData("/api/v1/users", "citypulse")]
    [InlineData("/api/v1/nowhere", "citypulse")]
    [InlineData("/graphql", "citypulse")]
    [InlineData("/health", null)]
    [InlineData("/health/ready", null)]
    [InlineData("/metrics", null)]
    [InlineData("/.well-known/jwks.json", null)]
    [InlineData("/docs", null)]
    [InlineData("/openapi/v1.json", null)]
    [InlineData("/", null)]
    [InlineData("/console/console.js", null)]
    [InlineData("/ws", null)]
    public void A_path_draws_on_one_budget(string path, string? tier) => TierTable.Of(path, isDevice: false).ShouldBe(tier);

    [Fact]
    public void A_device_draws_on_its_keys_budget()
    {
        TierTable.Of("/api/v1/citypulse/sensors/readings", isDevice: true).ShouldBe("ingest");
        TierTable.Of("/api/v1/ai/chat", isDevice: true).ShouldBe("ingest");
        TierTable.Of("/api/v1/auth/login", isDevice: true).ShouldBe("auth");
        TierTable.Of("/health", isDevice: true).ShouldBeNull();
    }

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7", true)]
    [InlineData("203.0.113.7", "::ffff:203.0.113.7", true)]
    [InlineData("203.0.113.7", "203.0.113.8", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::1", "::2", true)]
    public void Addresses_of_one_customer_share(string one, string other, bool shared) =>
        (ClientAddress.Partition(IPAddress.Parse(one).GetAddressBytes()) == ClientAddress.Partition(IPAddress.Parse(other).GetAddressBytes())).ShouldBe(shared);
}
