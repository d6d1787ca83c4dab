using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Models.Domain;

/// <summary>
/// Numbers of payment cards: of a scheme's beginning and length, with the check digit of ISO 7812 (Luhn). A number that is said to be a
/// meter's, a device's or an id stays, since one in ten of those passes too.
/// </summary>
internal static partial class PaymentCards
{
    public static string Replace(string text, string by) =>
        Digits().Replace(text, found => Number.StandsAlone(text, found) && IsCard(found.Value) && !Number.FollowsWord(text, found, Ids()) ? by : found.Value);

    private static bool IsCard(string written)
    {
        Span<char> digits = stackalloc char[written.Length];
        var count = 0;
        foreach (var sign in written.Where(char.IsAsciiDigit))
        {
            digits[count++] = sign;
        }

        return IsScheme(digits[..count]) && IsRight(digits[..count]);
    }

    private static bool IsScheme(ReadOnlySpan<char> digits)
    {
        var first = ((digits[0] - '0') * 1000) + ((digits[1] - '0') * 100) + ((digits[2] - '0') * 10) + digits[3] - '0';
        return digits.Length switch
        {
            13 => first / 1000 == 4,
            14 => first / 100 is 36 or 38 || first / 10 is >= 300 and <= 305,
            15 => first / 100 is 34 or 37,
            16 => first / 1000 == 4 || first / 100 is >= 51 and <= 55 or 65 || first is (>= 2221 and <= 2720) or (>= 3528 and <= 3589) or 6011 || first / 10 is >= 644 and <= 649,
            19 => first / 1000 == 4 || first / 100 == 62,
            _ => false,
        };
    }

    private static bool IsRight(ReadOnlySpan<char> digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            var value = i % 2 == 0 ? digit : digit * 2;
            sum += value > 9 ? value - 9 : value;
        }

        return sum % 10 == 0;
    }

    [GeneratedRegex(
        "[0-9]{13,19}|[0-9]{4}(?: [0-9]{4}){3}|[0-9]{4}(?:-[0-9]{4}){3}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5}", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Digits();

    [GeneratedRegex("(?:meter|zähler|zaehler|zählpunkt|sensor|device|gerät|serial|serien|register|point|_id|\\bid|Id)[\\w.-]*\\W{0,6}$", RegexOptions.CultureInvariant)]
    private static partial Regex Ids();
}
