using CityPulse.Api.Auth.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Auth.Domain;

public sealed class PasswordPolicyTests
{
    [Theory]
    [InlineData("correct horse battery staple")]
    [InlineData("CityPulse-demo-2026")]
    [InlineData("gfhjt wq")]
    [InlineData("ключ от квартиры")]
    [InlineData("🦊🦊🐻🐻🦉🦉🐸🐺")]
    [InlineData("annalisa's third bicycle")]
    public void Anything_long_and_uncommon_is_taken_without_rules_of_composition(string password) =>
        PasswordPolicy.Refusal(PasswordPolicy.Prepare(password), "anna@example.org", "Anna", "Town").ShouldBeNull();

    [Theory]
    [InlineData("", "at least")]
    [InlineData("gfhjt w", "at least")]
    [InlineData("🦊🐻🦉🐸🐺🦊🐻", "at least")]
    [InlineData("password", "commonest")]
    [InlineData("PassWord123", "commonest")]
    [InlineData("iloveyou1", "commonest")]
    [InlineData("1q2w3e4r5t", "commonest")]
    [InlineData("zzzzzzzzzzzz", "repetition")]
    [InlineData("xy7xy7xy7xy7", "repetition")]
    [InlineData("ghijklmnop", "row of keys")]
    [InlineData("lkjhgfds", "row of keys")]
    [InlineData("anna@example.org", "belongs to you")]
    [InlineData("Anna2026!", "belongs to you")]
    [InlineData("!citypulse1", "belongs to you")]
    [InlineData("Springfield-99", "belongs to you")]
    public void What_is_guessed_first_is_refused(string password, string reason) =>
        PasswordPolicy.Refusal(PasswordPolicy.Prepare(password), "anna@example.org", "Anna", "Springfield").ShouldNotBeNull().ShouldContain(reason);

    [Fact]
    public void The_longest_password_has_256_characters()
    {
        var longest = string.Concat(Enumerable.Range(0, 64).Select(i => $"{i:000}x"));
        longest.Length.ShouldBe(256);
        PasswordPolicy.Refusal(longest).ShouldBeNull();
        PasswordPolicy.Refusal(longest + "y").ShouldNotBeNull().ShouldContain("at most");
    }

    [Fact]
    public void The_same_password_from_another_keyboard_is_the_same_password() =>
        PasswordPolicy.Prepare("Schlu\u0308ssel\u00a0bund").ShouldBe(PasswordPolicy.Prepare("Schlüssel bund"));
}
