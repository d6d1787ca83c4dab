using CityPulse.Api.Auth.Domain;
using Shouldly;

namespace CityPulse.Tests.Api.Auth.Domain;

public sealed class AccountTextTests
{
    [Theory]
    [InlineData("ada@example.org")]
    [InlineData("admin@demo.citypulse.local")]
    [InlineData("ada.lovelace+city@sub.example.co.uk")]
    public void Addresses_are_taken(string email) => AccountText.EmailRefusal(email).ShouldBeNull();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ada")]
    [InlineData("ada@")]
    [InlineData("@example.org")]
    [InlineData("ada@example.org, bob@example.org")]
    [InlineData("Ada <ada@example.org>")]
    [InlineData("ada@example.org\0")]
    [InlineData(" ada@example.org")]
    public void What_is_no_address_is_refused(string? email) => AccountText.EmailRefusal(email).ShouldNotBeNull();

    [Fact]
    public void An_address_has_at_most_254_characters() =>
        AccountText.EmailRefusal($"{new string('a', 60)}@{string.Join('.', Enumerable.Repeat(new string('b', 60), 4))}.org").ShouldNotBeNull();

    [Theory]
    [InlineData(null)]
    [InlineData("  ")]
    [InlineData("a\u0000b")]
    [InlineData("two\nlines")]
    public void Names_are_one_line_of_text(string? name) => AccountText.NameRefusal(name, "name").ShouldNotBeNull();
}
