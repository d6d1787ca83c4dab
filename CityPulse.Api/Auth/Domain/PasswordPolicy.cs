using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace CityPulse.Api.Auth.Domain;

/// <summary>
/// NIST SP 800-63B, section 3.1.1.2: length and a list of the commonest passwords, no composition rules, no expiry. Everything
/// that can be typed may stand in a password, spaces and letters of all scripts included.
/// </summary>
internal static class PasswordPolicy
{
    public const int MinimumLength = 8;
    public const int MaximumLength = 256;

    private const string Alphabets = "abcdefghijklmnopqrstuvwxyz 01234567890123456789 qwertyuiopasdfghjklzxcvbnm qwertzuiopasdfghjklyxcvbnm azertyuiopqsdfghjklmwxcvbn";

    private static readonly FrozenSet<string> Common = ReadCommon();

    /// <summary>The form that is hashed: the same password typed on another keyboard gives the same code points (NFKC).</summary>
    public static string Prepare(string password) => password.Normalize(NormalizationForm.FormKC);

    /// <summary>Why a password must not be chosen, or null when it may.</summary>
    /// <param name="password">As <see cref="Prepare"/> made it.</param>
    /// <param name="aboutTheUser">Address, names: what a stranger would try first.</param>
    public static string? Refusal(string password, params IEnumerable<string> aboutTheUser)
    {
        var length = password.EnumerateRunes().Count();
        if (length < MinimumLength)
        {
            return $"The password must have at least {MinimumLength} characters.";
        }

        if (length > MaximumLength)
        {
            return $"The password must have at most {MaximumLength} characters.";
        }

        var lower = password.ToLower(CultureInfo.InvariantCulture);
        if (Common.Contains(lower))
        {
            return "The password is one of the commonest and the first to be guessed. Choose another.";
        }

        if (IsRepetition(lower) || IsRun(lower))
        {
            return "The password is a repetition or a row of keys. Choose another.";
        }

        return Words(aboutTheUser).Any(word => IsWordWithOrnaments(lower, word))
            ? "The password is a name or an address that belongs to you or to this service. Choose another."
            : null;
    }

    /// <summary>A block of up to four characters, over and over.</summary>
    private static bool IsRepetition(string password)
    {
        for (var block = 1; block <= 4; block++)
        {
            var repeats = true;
            for (var i = block; i < password.Length && repeats; i++)
            {
                repeats = password[i] == password[i - block];
            }

            if (repeats)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Neighbours in the alphabet, the digits or on a keyboard, forwards or backwards.</summary>
    private static bool IsRun(string password)
    {
        var backwards = password.ToCharArray();
        Array.Reverse(backwards);
        return Alphabets.Contains(password, StringComparison.Ordinal) || Alphabets.Contains(new string(backwards), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Words(IEnumerable<string> aboutTheUser) => aboutTheUser
        .SelectMany(text => text.Contains('@') ? [text, text[..text.IndexOf('@')]] : new[] { text })
        .Append("citypulse")
        .Select(word => word.Trim().ToLower(CultureInfo.InvariantCulture))
        .Where(word => word.Length >= 3);

    /// <summary>The word itself, or with nothing but digits and signs around it.</summary>
    private static bool IsWordWithOrnaments(string password, string word)
    {
        var at = password.IndexOf(word, StringComparison.Ordinal);
        return at >= 0 && !password.Remove(at, word.Length).Any(char.IsLetter);
    }

    private static FrozenSet<string> ReadCommon()
    {
        using var stream = typeof(PasswordPolicy).Assembly.GetManifestResourceStream("common-passwords.txt")
            ?? throw new InvalidOperationException("The list of common passwords is not in the assembly.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToFrozenSet(StringComparer.Ordinal);
    }
}
