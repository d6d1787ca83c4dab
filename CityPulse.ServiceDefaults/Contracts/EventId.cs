using System.Globalization;

namespace CityPulse.Contracts;

/// <summary>
/// The id of one event of the live stream: the place of its record in the outbox and, as one record can tell several
/// topics, the place among them. Twenty digits, so that ids grow both as text and as numbers.
/// </summary>
public readonly record struct EventId(long Position, int Index) : IComparable<EventId>
{
    private const int IndexDigits = 6;
    private const int Length = 20;

    /// <summary>Most topics that one record can tell.</summary>
    public const int MaxIndex = 999_999;

    public static readonly EventId None = new(0, 0);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Position:D14}{Index:D6}");

    /// <summary>Reads an id as clients send it back; anything else is refused, never guessed at.</summary>
    public static bool TryParse(string? text, out EventId id)
    {
        id = None;
        if (text is not { Length: Length } || !text.AsSpan().ContainsOnlyDigits())
        {
            return false;
        }

        var split = Length - IndexDigits;
        id = new EventId(
            long.Parse(text.AsSpan(0, split), CultureInfo.InvariantCulture),
            int.Parse(text.AsSpan(split), CultureInfo.InvariantCulture));
        return true;
    }

    public int CompareTo(EventId other) =>
        Position != other.Position ? Position.CompareTo(other.Position) : Index.CompareTo(other.Index);

    public static bool operator <(EventId left, EventId right) => left.CompareTo(right) < 0;
    public static bool operator >(EventId left, EventId right) => left.CompareTo(right) > 0;
    public static bool operator <=(EventId left, EventId right) => left.CompareTo(right) <= 0;
    public static bool operator >=(EventId left, EventId right) => left.CompareTo(right) >= 0;
}

file static class Digits
{
    public static bool ContainsOnlyDigits(this ReadOnlySpan<char> text) => !text.ContainsAnyExceptInRange('0', '9');
}
