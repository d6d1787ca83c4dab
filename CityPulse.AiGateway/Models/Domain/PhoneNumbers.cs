using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Models.Domain;

/// <summary>
/// Telephone numbers: international ones, national ones in groups, and whatever digits follow a word such as "Tel." The form alone is no
/// proof, so numbers that stand in larger ones or have a unit are left.
/// </summary>
internal static partial class PhoneNumbers
{
    private const int LeastDigits = 9;
    private const int MostDigits = 15;

    public static string Replace(string text, string by)
    {
        text = Labelled().Replace(text, found => CountOf(found.Groups[2].Value) is >= 6 and <= MostDigits ? $"{found.Groups[1].Value}{by}" : found.Value);
        return Formed().Replace(text, found =>
            CountOf(found.Value) is >= LeastDigits and <= MostDigits && Number.StandsAlone(text, found) && !Number.HasUnit(text, found) ? by : found.Value);
    }

    private static int CountOf(string text) => text.Count(char.IsAsciiDigit);

    [GeneratedRegex(
        "(\\b(?:tel|telefon|telefonnummer|phone|phone number|mobile|mobil|handy|fax|call|rufnummer)\\b[.:]?(?: (?:is|ist|me at|at|unter|number|nr\\.?))*[: ]{1,3})(\\+?[0-9(](?:[ ./()-]{0,2}[0-9]){5,15})",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Labelled();

    // +49 89 1234567 and 0049 …; 089 1234567 and (089) 123 45-67; 555-123-4567 and (555) 123-4567.
    [GeneratedRegex(
        "\\+[1-9](?:[ /-]?\\(?[0-9]\\)?){7,14}|\\b00[1-9][0-9]{0,2}[ /-](?:[ /-]?\\(?[0-9]\\)?){6,12}"
        + "|\\(0[1-9][0-9]{1,4}\\)[ /-]?[0-9]{2,}(?:[ -][0-9]{2,}){0,4}|\\b0[1-9][0-9]{1,4}(?: ?/ ?| |-)[0-9]{3,}(?:[ -][0-9]{2,}){0,4}"
        + "|\\([2-9][0-9]{2}\\) ?[0-9]{3}-[0-9]{4}|\\b[2-9][0-9]{2}-[0-9]{3}-[0-9]{4}",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Formed();
}
