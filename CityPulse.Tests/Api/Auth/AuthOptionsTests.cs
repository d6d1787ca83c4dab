using CityPulse.Api.Auth;
using Shouldly;

namespace CityPulse.Tests.Api.Auth;

public sealed class AuthOptionsTests
{
    private static AuthOptions Good => new() { KeyEncryptionKey = Convert.ToBase64String(new byte[32]) };

    [Fact]
    public void A_good_configuration_passes() => new AuthOptionsCheck().Validate(null, Good).Succeeded.ShouldBeTrue();

    [Theory]
    [InlineData(null)]
    [InlineData(" ")]
    [InlineData("not base64!")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAA==")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=x")]
    public void The_key_encryption_key_is_32_bytes(string? key) =>
        Refusal(Good, options => options.KeyEncryptionKey = key).ShouldContain("Auth:KeyEncryptionKey");

    [Fact]
    public void Each_bad_value_is_told_by_its_key()
    {
        Refusal(Good, options => options.AccessTokenLifetime = TimeSpan.FromDays(1)).ShouldContain("Auth:AccessTokenLifetime");
        Refusal(Good, options => options.RefreshTokenLifetime = TimeSpan.Zero).ShouldContain("Auth:RefreshTokenLifetime");
        Refusal(Good, options => options.SessionLifetime = TimeSpan.FromDays(1)).ShouldContain("Auth:SessionLifetime");
        Refusal(Good, options => options.LockoutAfterFailures = 0).ShouldContain("Auth:LockoutAfterFailures");
        Refusal(Good, options => options.LockoutDuration = TimeSpan.FromDays(30)).ShouldContain("Auth:LockoutDuration");
    }

    private static string Refusal(AuthOptions options, Action<AuthOptions> spoil)
    {
        spoil(options);
        return new AuthOptionsCheck().Validate(null, options).FailureMessage.ShouldNotBeNull();
    }
}
