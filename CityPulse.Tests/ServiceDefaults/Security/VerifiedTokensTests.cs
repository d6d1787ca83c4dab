using System.Security.Claims;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Security;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Security;

public sealed class VerifiedTokensTests
{
    private static readonly IReadOnlyList<SecurityKey> Keys = [];

    private readonly FakeTimeProvider _time = new();
    private readonly VerifiedTokens _verified;

    public VerifiedTokensTests() => _verified = new VerifiedTokens(_time);

    [Fact]
    public void A_token_is_known_by_all_its_characters()
    {
        Remember("header.claims.a-signature-of-more-than-a-few-characters", Keys);
        _verified.Find("header.claims.a-signature-of-more-than-a-few-characters", Keys).ShouldNotBeNull();
        _verified.Find("header.Claims.a-signature-of-more-than-a-few-characters", Keys).ShouldBeNull();
        _verified.Find("a-signature-of-more-than-a-few-characters", Keys).ShouldBeNull();
        _verified.Find("", Keys).ShouldBeNull();
    }

    [Fact]
    public void A_token_is_known_until_it_expires()
    {
        Remember("token", Keys);
        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        _verified.Find("token", Keys).ShouldNotBeNull();
        _time.Advance(TimeSpan.FromTicks(1));
        _verified.Find("token", Keys).ShouldBeNull();
    }

    [Fact]
    public void Other_keys_know_none_of_the_tokens_before_them()
    {
        List<SecurityKey> others = [];
        Remember("token", Keys);
        _verified.Find("token", others).ShouldBeNull();
        Remember("other", others);
        _verified.Find("other", others).ShouldNotBeNull();
        _verified.Find("token", Keys).ShouldBeNull();
    }

    [Fact]
    public void It_holds_ten_thousand_and_then_begins_anew()
    {
        for (var i = 0; i < 10_000; i++)
        {
            Remember($"token {i}", Keys);
        }

        _verified.Find("token 0", Keys).ShouldNotBeNull();
        Remember("one more", Keys);
        _verified.Find("one more", Keys).ShouldNotBeNull();
        _verified.Find("token 0", Keys).ShouldBeNull();
    }

    private void Remember(string token, IReadOnlyList<SecurityKey> keys) => _verified.Remember(
        token, keys, new CallerPrincipal(new ClaimsIdentity(), new Caller(Guid.CreateVersion7(), Guid.CreateVersion7(), Role.User, null)),
        _time.GetUtcNow().UtcDateTime.AddMinutes(10));
}
