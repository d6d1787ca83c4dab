using System.Net.Mail;

namespace CityPulse.Api.Auth.Domain;

/// <summary>What an address and a name may look like.</summary>
internal static class AccountText
{
    public const int LongestEmail = 254;
    public const int LongestName = 200;

    public static string? EmailRefusal(string? email) =>
        string.IsNullOrWhiteSpace(email) ? "The e-mail address is missing."
        : IsEmail(email) ? null
        : "This is no e-mail address.";

    public static string? NameRefusal(string? name, string what) =>
        string.IsNullOrWhiteSpace(name) ? $"The {what} is missing."
        : name.Trim().Length > LongestName ? $"The {what} must have at most {LongestName} characters."
        : name.Any(char.IsControl) ? $"The {what} must not contain control characters."
        : null;

    public static bool IsEmail(string text) =>
        text.Length <= LongestEmail
        && !text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
        && MailAddress.TryCreate(text, out var address)
        && address.Address == text
        && address.DisplayName.Length == 0;
}
