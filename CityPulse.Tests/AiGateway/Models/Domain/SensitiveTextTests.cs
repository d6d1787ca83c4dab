using CityPulse.AiGateway.Models.Domain;
using Shouldly;

namespace CityPulse.Tests.AiGateway.Models.Domain;

public sealed class SensitiveTextTests
{
    [Theory]
    [InlineData("mail eva.maier+x@sub.example.co.uk now", "mail [email] now")]
    [InlineData("key sk-proj-abcDEF123_456", "key [secret]")]
    [InlineData("sk_live_abcDEF123456 and glpat-abcdefghijklmnop1234", "[secret] and [secret]")]
    [InlineData("X-Api-Key cpk_abcdefgh12345678", "X-Api-Key [secret]")]
    [InlineData("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "[secret]")]
    [InlineData("password: hunter22, ok", "password: [secret], ok")]
    [InlineData("Host=db;Pwd=hunter22;Port=1", "Host=db;Pwd=[secret];Port=1")]
    [InlineData("https://admin:hunter22@meters.example.org/x", "https://admin:[secret]@meters.example.org/x")]
    [InlineData("Das Passwort lautet geheim123", "Das Passwort lautet [secret]")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", "[secret]")]
    [InlineData("The password policy of the school", "The password policy of the school")]
    public void Secrets_and_addresses_are_taken_out(string text, string expected) => SensitiveText.Redact(text, SensitiveKinds.All).ShouldBe(expected);

    [Theory]
    [InlineData("Pay to DE89 3704 0044 0532 0130 00, please", "Pay to [iban], please")]
    [InlineData("DE89370400440532013000", "[iban]")]
    [InlineData("de89370400440532013000 and AT611904300234573201.", "[iban] and [iban].")]
    [InlineData("GB82 WEST 1234 5698 7654 32 IS MINE", "[iban] IS MINE")]
    [InlineData("DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00")]
    [InlineData("DE00056266802AO6G56M11SN51G21M24S", "DE00056266802AO6G56M11SN51G21M24S")]
    [InlineData("AT0010000000000000001000012345678", "AT0010000000000000001000012345678")]
    [InlineData("DE8937040044053201300", "DE8937040044053201300")]
    public void Bank_accounts_prove_themselves_by_country_length_and_checksum(string text, string expected) =>
        SensitiveText.Redact(text, SensitiveKinds.Ibans).ShouldBe(expected);

    [Theory]
    [InlineData("card 4111 1111 1111 1111 12/27", "card [card] 12/27")]
    [InlineData("4111-1111-1111-1111", "[card]")]
    [InlineData("5555555555554444, 3782 822463 10005", "[card], [card]")]
    [InlineData("4111 1111 1111 1112", "4111 1111 1111 1112")]
    [InlineData("9111111111111111", "9111111111111111")]
    [InlineData("meter 4111111111111111", "meter 4111111111111111")]
    [InlineData("\"externalId\":\"4111111111111111\"", "\"externalId\":\"4111111111111111\"")]
    [InlineData("0.4111111111111111 of it", "0.4111111111111111 of it")]
    [InlineData("at 1764325544123 ms", "at 1764325544123 ms")]
    public void Payment_cards_prove_themselves_by_scheme_and_check_digit(string text, string expected) =>
        SensitiveText.Redact(text, SensitiveKinds.Cards).ShouldBe(expected);

    [Theory]
    [InlineData("Ring +49 89 1234567 today", "Ring [phone] today")]
    [InlineData("+491711234567", "[phone]")]
    [InlineData("0049 171 1234567!", "[phone]!")]
    [InlineData("0171 2345678 or (089) 123456-78", "[phone] or [phone]")]
    [InlineData("089/12345678", "[phone]")]
    [InlineData("(555) 123-4567, 555-123-4567", "[phone], [phone]")]
    [InlineData("Tel. 1234567", "Tel. [phone]")]
    [InlineData("Telefonnummer: 0815/4711", "Telefonnummer: [phone]")]
    [InlineData("call me at 555 0134", "call me at [phone]")]
    public void Telephone_numbers_are_known_by_form_or_by_a_word(string text, string expected) =>
        SensitiveText.Redact(text, SensitiveKinds.Phones).ShouldBe(expected);

    [Theory]
    [InlineData("12 kWh @ 3 am in Town Hall")]
    [InlineData("From 2026-11-28T10:00:00+02:00 to 2026-11-29T00:00:00Z, 05/11/2026, 01-11-2026, 28.11.2026 10:15")]
    [InlineData("+12345678 kWh, +1234567890.5, 1 234 567 890 kWh, 1,234,567.25 EUR")]
    [InlineData("sensor 0193a5e2-7c1e-7d7c-9c5e-0123456789ab, meter 1EMH0012345678, 0012345678, Zähler 40 1234 5678")]
    [InlineData("open 0800-1630, 08:00-16:30; EAN 4006381333931; building B-0171; port 5432")]
    [InlineData("{\"from\":\"2026-10-01T00:00:00+02:00\",\"kwh\":123456.789012345,\"costEur\":41111.11,\"at\":1764325544}")]
    [InlineData("2026-11-28 0300-0400, 100-200-3000 units, 48.137154 11.576124")]
    public void Meters_times_and_figures_stay(string text) => SensitiveText.Redact(text, SensitiveKinds.All).ShouldBe(text);

    [Theory]
    [InlineData("Secrets", "a@example.org [secret] +49 89 1234567 DE89370400440532013000 4111111111111111")]
    [InlineData("Emails", "[email] sk-abcdefghijkl +49 89 1234567 DE89370400440532013000 4111111111111111")]
    [InlineData("Phones", "a@example.org sk-abcdefghijkl [phone] DE89370400440532013000 4111111111111111")]
    [InlineData("Ibans", "a@example.org sk-abcdefghijkl +49 89 1234567 [iban] 4111111111111111")]
    [InlineData("Cards", "a@example.org sk-abcdefghijkl +49 89 1234567 DE89370400440532013000 [card]")]
    [InlineData("All", "[email] [secret] [phone] [iban] [card]")]
    public void Each_kind_can_be_left_in(string kinds, string expected) =>
        SensitiveText.Redact("a@example.org sk-abcdefghijkl +49 89 1234567 DE89370400440532013000 4111111111111111", Enum.Parse<SensitiveKinds>(kinds)).ShouldBe(expected);
}
