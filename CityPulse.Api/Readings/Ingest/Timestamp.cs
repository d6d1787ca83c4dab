namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// RFC 3339 times as microseconds since 1970-01-01Z, which is what the database keeps. Further digits are cut off.
/// </summary>
internal static class Timestamp
{
    public const long MicrosecondsPerSecond = 1_000_000;
    private const long SecondsPerDay = 86_400;
    private const int DateAndTimeLength = 19;

    public enum Outcome
    {
        Good,
        Malformed,
        WithoutOffset,
    }

    public static long FromDateTimeOffset(DateTimeOffset time) =>
        (time.UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <param name="time">In UTC.</param>
    public static long FromDateTime(DateTime time) => (time.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset ToDateTimeOffset(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    public static DateTime ToDateTime(long microseconds) =>
        DateTime.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>Reads <c>2026-11-24T10:15:00.123456+01:00</c>; the offset (or <c>Z</c>) is not optional.</summary>
    public static Outcome TryParse(ReadOnlySpan<byte> text, out long microseconds)
    {
        microseconds = 0;
        if (text.Length < DateAndTimeLength
            || !TryDigits(text, 0, 4, out var year) || text[4] != '-'
            || !TryDigits(text, 5, 2, out var month) || text[7] != '-'
            || !TryDigits(text, 8, 2, out var day) || !(text[10] is (byte)'T' or (byte)'t' or (byte)' ')
            || !TryDigits(text, 11, 2, out var hour) || text[13] != ':'
            || !TryDigits(text, 14, 2, out var minute) || text[16] != ':'
            || !TryDigits(text, 17, 2, out var second)
            || year < 1 || month is < 1 or > 12 || day < 1 || hour > 23 || minute > 59 || second > 59
            || day > DateTime.DaysInMonth(year, month))
        {
            return Outcome.Malformed;
        }

        var rest = text[DateAndTimeLength..];
        var fraction = 0;
        if (rest.Length > 0 && rest[0] == '.')
        {
            var digits = 1;
            for (; digits < rest.Length && rest[digits] is >= (byte)'0' and <= (byte)'9'; digits++)
            {
                if (digits <= 6)
                {
                    fraction = (fraction * 10) + (rest[digits] - '0');
                }
            }

            if (digits == 1)
            {
                return Outcome.Malformed;
            }

            for (var i = digits; i <= 6; i++)
            {
                fraction *= 10;
            }

            rest = rest[digits..];
        }

        if (rest.IsEmpty)
        {
            return Outcome.WithoutOffset;
        }

        if (!TryOffset(rest, out var offsetMinutes))
        {
            return Outcome.Malformed;
        }

        var seconds = (DaysSince1970(year, month, day) * SecondsPerDay) + (hour * 3600) + (minute * 60) + second - (offsetMinutes * 60);
        microseconds = (seconds * MicrosecondsPerSecond) + fraction;
        return Outcome.Good;
    }

    private static bool TryOffset(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        if (text.Length == 1)
        {
            return text[0] is (byte)'Z' or (byte)'z';
        }

        if (text.Length != 6 || !(text[0] is (byte)'+' or (byte)'-') || text[3] != ':'
            || !TryDigits(text, 1, 2, out var hours) || !TryDigits(text, 4, 2, out var rest) || hours > 23 || rest > 59)
        {
            return false;
        }

        minutes = ((hours * 60) + rest) * (text[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool TryDigits(ReadOnlySpan<byte> text, int start, int count, out int number)
    {
        number = 0;
        for (var i = start; i < start + count; i++)
        {
            var digit = (uint)(text[i] - '0');
            if (digit > 9)
            {
                return false;
            }

            number = (number * 10) + (int)digit;
        }

        return true;
    }

    /// <summary>Days of the proleptic Gregorian calendar, counted in years that begin in March (the leap day comes last).</summary>
    private static long DaysSince1970(int year, int month, int day)
    {
        var y = month <= 2 ? year - 1 : year;
        var era = y / 400;
        var yearOfEra = y - (era * 400);
        var dayOfYear = ((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5 + day - 1;
        var dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        return (era * 146_097L) + dayOfEra - 719_468;
    }
}
