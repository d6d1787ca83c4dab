using System.Buffers;
using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Models.Domain;

/// <summary>What is taken out of texts.</summary>
[Flags]
internal enum SensitiveKinds
{
    None = 0,
    Secrets = 1,
    Emails = 2,
    Phones = 4,
    Ibans = 8,
    Cards = 16,
    All = Secrets | Emails | Phones | Ibans | Cards,
}

/// <summary>
/// What looks like a secret, or leads to a person or their money. Ids of meters, times and figures look much the same, so numbers have to
/// prove themselves: by checksum, by form, or by a word before them.
/// </summary>
internal static partial class SensitiveText
{
    // What every match of Tokens begins with, and has of Passwords.
    private static readonly SearchValues<string> TokenBeginnings = SearchValues.Create(
        ["sk-", "sk_", "rk_", "cpk_", "gsk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "npm_", "hf_", "xox", "AKIA", "AIza", "eyJ"],
        StringComparison.Ordinal);

    private static readonly SearchValues<string> WordsForPasswords = SearchValues.Create(
        ["passw", "kennwort", "pwd", "secret", "api", "access"], StringComparison.OrdinalIgnoreCase);

    public static string Redact(string text, SensitiveKinds kinds)
    {
        if (kinds.HasFlag(SensitiveKinds.Secrets))
        {
            text = RedactSecrets(text);
        }

        if (kinds.HasFlag(SensitiveKinds.Emails) && text.Contains('@'))
        {
            text = Emails().Replace(text, "[email]");
        }

        if (!text.AsSpan().ContainsAnyInRange('0', '9'))
        {
            return text;
        }

        if (kinds.HasFlag(SensitiveKinds.Ibans))
        {
            text = BankAccounts.Replace(text, "[iban]");
        }

        if (kinds.HasFlag(SensitiveKinds.Cards))
        {
            text = PaymentCards.Replace(text, "[card]");
        }

        return kinds.HasFlag(SensitiveKinds.Phones) ? PhoneNumbers.Replace(text, "[phone]") : text;
    }

    /// <summary>Most texts have nothing of what a secret begins with, and to find that out is far cheaper than to look for whole ones.</summary>
    private static string RedactSecrets(string text)
    {
        if (text.Contains("-----BEGIN", StringComparison.Ordinal))
        {
            text = PrivateKeys().Replace(text, "[secret]");
        }

        if (text.AsSpan().ContainsAny(TokenBeginnings))
        {
            text = Tokens().Replace(text, "[secret]");
        }

        if (text.Contains("://", StringComparison.Ordinal))
        {
            text = Logins().Replace(text, "$1[secret]@");
        }

        return text.AsSpan().ContainsAny(WordsForPasswords) ? Passwords().Replace(text, "$1[secret]") : text;
    }

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex PrivateKeys();

    // Keys with a known beginning: OpenAI, Anthropic and Stripe, our devices, Groq, GitHub, GitLab, npm, Hugging Face, Slack, AWS, Google; and JSON web tokens.
    [GeneratedRegex(
        "\\b(?:sk-[A-Za-z0-9_-]{8,}|[sr]k_(?:live|test)_[A-Za-z0-9]{8,}|cpk_[A-Za-z0-9_-]{8,}|gsk_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}"
        + "|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{16,}|hf_[A-Za-z0-9]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}"
        + "|AKIA[0-9A-Z]{16}|AIza[A-Za-z0-9_-]{30,}|eyJ[A-Za-z0-9_-]{8,}\\.[A-Za-z0-9_-]{4,}\\.[A-Za-z0-9_-]*)",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Tokens();

    // A name and a password in an address.
    [GeneratedRegex("\\b([a-z][a-z0-9+.-]*://[^\\s/:@]*:)[^\\s/@]+@", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Logins();

    [GeneratedRegex(
        "((?:password|passwort|kennwort|passwd|pwd|secret|api[_-]?key|access[_-]?token)[\"']?\\s*(?:[:=]|is|ist|lautet)\\s*[\"']?)[^\\s\"',;]{4,}",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Passwords();

    [GeneratedRegex("[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*\\.[A-Za-z]{2,}", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Emails();
}
