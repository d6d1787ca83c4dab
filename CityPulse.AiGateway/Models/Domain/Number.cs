using System.Text.RegularExpressions;

namespace CityPulse.AiGateway.Models.Domain;

/// <summary>What is around a number in a text.</summary>
internal static partial class Number
{
    private const int Before = 32;

    /// <summary>Whether it is no part of a longer number, word, date or id.</summary>
    public static bool StandsAlone(string text, Match number)
    {
        var end = number.Index + number.Length;
        if (number.Index > 0 && (char.IsLetterOrDigit(text[number.Index - 1]) || text[number.Index - 1] is '.' or ',' or '-' or '_' or ':' or '/' or '#' or '+'))
        {
            return false;
        }

        return end == text.Length
            || !(char.IsLetterOrDigit(text[end]) || text[end] is '_' || (text[end] is '.' or ',' or ':' or '/' or '-' && end + 1 < text.Length && char.IsAsciiDigit(text[end + 1])));
    }

    public static bool HasUnit(string text, Match number) => Unit().IsMatch(text.AsSpan(number.Index + number.Length));

    /// <summary>Whether a text that ends so stands right before it.</summary>
    public static bool FollowsWord(string text, Match number, Regex ending)
    {
        var start = Math.Max(0, number.Index - Before);
        return ending.IsMatch(text.AsSpan(start, number.Index - start));
    }

    [GeneratedRegex("^ ?(?:[kMG]?W(?:h|att)?\\b|kVA|[VAK]\\b|°|%|m[²³23]?\\b|ppm|k?g\\b|t\\b|l\\b|[kM]?J\\b|EUR|USD|€|\\$|hours|Stunden|h\\b)", RegexOptions.CultureInvariant)]
    private static partial Regex Unit();
}
