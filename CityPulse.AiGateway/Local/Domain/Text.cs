using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Local.Domain;

/// <summary>One spelling for what people write in many: lower case, umlauts written out, no accents, single spaces.</summary>
internal static partial class Text
{
    public static string Normalize(string text)
    {
        var result = new StringBuilder(text.Length + 8);
        foreach (var c in text.ToLowerInvariant().Normalize(NormalizationForm.FormC))
        {
            _ = c switch
            {
                'ä' => result.Append("ae"),
                'ö' => result.Append("oe"),
                'ü' => result.Append("ue"),
                'ß' => result.Append("ss"),
                '₂' => result.Append('2'),
                '²' => result.Append('2'),
                '’' => result.Append('\''),
                _ => result.Append(c),
            };
        }

        return Spaces().Replace(WithoutAccents(result.ToString()), " ").Trim();
    }

    /// <summary>The letters and digits of a name as words, so that <c>PrimClass_Everett</c> and <c>primclass everett</c> are one.</summary>
    public static string Words(string text) => Punctuation().Replace(Normalize(text), " ").Trim();

    private static string WithoutAccents(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text.Normalize(NormalizationForm.FormD).Where(c => CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.NonSpacingMark))
        {
            result.Append(c);
        }

        return result.ToString().Normalize(NormalizationForm.FormC);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"[^\p{L}\p{N}]+")]
    private static partial Regex Punctuation();
}
