using System.Globalization;
using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Models.Domain;

/// <summary>IBANs: as long as their country's are, with a checksum that is right (ISO 13616, modulus 97 of ISO 7064).</summary>
internal static partial class BankAccounts
{
    private static readonly Dictionary<string, int> Lengths =
        """
        AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28
        HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29
        RO24 RS22 SA24 SC31 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
        """.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .ToDictionary(c => c[..2], c => int.Parse(c.AsSpan(2), CultureInfo.InvariantCulture));

    public static string Replace(string text, string by)
    {
        var at = 0;
        var found = Beginning().Match(text);
        if (!found.Success)
        {
            return text;
        }

        var clean = new System.Text.StringBuilder(text.Length);
        for (; found.Success; found = found.NextMatch())
        {
            if (found.Index >= at && EndOf(text, found.Index) is { } end)
            {
                clean.Append(text, at, found.Index - at).Append(by);
                at = end;
            }
        }

        return clean.Append(text, at, text.Length - at).ToString();
    }

    /// <summary>Where the IBAN that begins here ends; null where none does. It may be written in groups.</summary>
    private static int? EndOf(string text, int start)
    {
        if (!Lengths.TryGetValue(text.Substring(start, 2).ToUpperInvariant(), out var length))
        {
            return null;
        }

        Span<char> iban = stackalloc char[length];
        var (count, at) = (0, start);
        for (; at < text.Length && count < length; at++)
        {
            if (char.IsAsciiLetterOrDigit(text[at]))
            {
                iban[count++] = char.ToUpperInvariant(text[at]);
            }
            else if (text[at] is not (' ' or '-') || !char.IsAsciiLetterOrDigit(text[at - 1]))
            {
                return null;
            }
        }

        return count == length && (at == text.Length || !char.IsLetterOrDigit(text[at])) && IsRight(iban) ? at : null;
    }

    private static bool IsRight(ReadOnlySpan<char> iban)
    {
        var rest = 0;
        for (var i = 0; i < iban.Length; i++)
        {
            var sign = iban[(i + 4) % iban.Length];
            rest = char.IsAsciiDigit(sign) ? ((rest * 10) + sign - '0') % 97 : ((rest * 100) + sign - 'A' + 10) % 97;
        }

        return rest == 1;
    }

    [GeneratedRegex("\\b[A-Za-z]{2}[0-9]{2}", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Beginning();
}
