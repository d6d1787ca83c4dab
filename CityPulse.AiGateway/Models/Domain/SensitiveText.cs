using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Models.Domain;

/// <summary>What looks like a secret or an e-mail address.</summary>
internal static partial class SensitiveText
{
    public static string Redact(string text, bool secrets, bool emails)
    {
        if (secrets)
        {
            text = PrivateKeys().Replace(text, "[secret]");
            text = Tokens().Replace(text, "[secret]");
            text = Passwords().Replace(text, "$1[secret]");
        }

        return emails && text.Contains('@') ? Emails().Replace(text, "[email]") : text;
    }

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex PrivateKeys();

    // Keys with a known beginning: OpenAI and Anthropic, our devices, GitHub, Slack, AWS, Google; and JSON web tokens.
    [GeneratedRegex(
        "\\b(?:sk-[A-Za-z0-9_-]{8,}|cpk_[A-Za-z0-9_-]{8,}|gsk_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}"
        + "|AKIA[0-9A-Z]{16}|AIza[A-Za-z0-9_-]{30,}|eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{4,}\\.[A-Za-z0-9_-]*)",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Tokens();

    [GeneratedRegex(
        "((?:password|passwort|kennwort|passwd|secret|api[_-]?key|access[_-]?token)[\"']?\\s*(?:[:=]|is|ist|lautet)\\s*[\"']?)[^\\s\"',;]{4,}",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Passwords();

    [GeneratedRegex("[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*\\.[A-Za-z]{2,}", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Emails();
}
