using CityPulse.AiGateway.Models.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Models.Domain;

public sealed class SensitiveTextTests
{
    [Theory]
    [InlineData("mail eva.maier+x@sub.example.co.uk now", "mail [email] now")]
    [InlineData("key sk-proj-abcDEF123_456", "key [secret]")]
    [InlineData("X-Api-Key cpk_abcdefgh12345678", "X-Api-Key [secret]")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[secret]")]
    [InlineData("password: hunter22, ok", "password: [secret], ok")]
    [InlineData("Das Passwort lautet geheim123", "Das Passwort lautet [secret]")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "[secret]")]
    [InlineData("12 kWh @ 3 am in Town Hall", "12 kWh @ 3 am in Town Hall")]
    [InlineData("The password policy of the school", "The password policy of the school")]
    public void Secrets_and_addresses_are_taken_out(string text, string expected) => SensitiveText.Redact(text, secrets: true, emails: true).ShouldBe(expected);

    [Fact]
    public void Each_kind_can_be_left_in()
    {
        const string text = "a@example.org sk-abcdefghijkl";
        SensitiveText.Redact(text, secrets: false, emails: true).ShouldBe("[email] sk-abcdefghijkl");
        SensitiveText.Redact(text, secrets: true, emails: false).ShouldBe("a@example.org [secret]");
    }
}
