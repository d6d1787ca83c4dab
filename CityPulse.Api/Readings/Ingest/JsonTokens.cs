using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// A <see cref="Utf8JsonReader"/> that forgives one thing: <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c> where a number
/// is due. Many programs write them, and one such row must not cost a batch its good ones.
/// </summary>
internal ref struct JsonTokens
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly bool _isFinal;
    private Utf8JsonReader _reader;
    private int _before;

    public JsonTokens(ReadOnlySpan<byte> data, bool isFinal, JsonReaderState state)
    {
        _data = data;
        _isFinal = isFinal;
        _reader = new Utf8JsonReader(data, isFinal, state);
    }

    /// <summary>The token just read.</summary>
    [UnscopedRef]
    public ref Utf8JsonReader Current => ref _reader;

    /// <summary>How much of the data the tokens so far take.</summary>
    public readonly int Position => _before + (int)_reader.BytesConsumed;

    /// <returns>False when the next token is not complete yet, or there is none.</returns>
    /// <exception cref="JsonException">The data is no JSON.</exception>
    public bool Read(bool numberIsDue, out bool isNotFinite)
    {
        isNotFinite = false;
        if (numberIsDue)
        {
            var rest = _data[Position..];
            var start = rest.IndexOfAnyExcept(" \t\r\n"u8);
            if (start >= 0 && rest[start] is (byte)'N' or (byte)'I' or (byte)'-')
            {
                var length = NotFiniteLength(rest[start..], out var isIncomplete);
                if (length > 0)
                {
                    Skip(start + length);
                    isNotFinite = true;
                    return true;
                }

                if (isIncomplete && !_isFinal)
                {
                    return false;
                }
            }
        }

        return _reader.Read();
    }

    private static int NotFiniteLength(ReadOnlySpan<byte> text, out bool isIncomplete)
    {
        isIncomplete = false;
        for (var i = 0; i < 3; i++)
        {
            var literal = i switch { 0 => "NaN"u8, 1 => "Infinity"u8, _ => "-Infinity"u8 };
            if (text.StartsWith(literal))
            {
                return literal.Length;
            }

            isIncomplete |= text.Length < literal.Length && literal.StartsWith(text);
        }

        return 0;
    }

    /// <summary>Goes on behind the literal as if a number had stood there.</summary>
    private void Skip(int length)
    {
        var standIn = new Utf8JsonReader("0 "u8, isFinalBlock: false, _reader.CurrentState);
        standIn.Read();
        _before = Position + length;
        _reader = new Utf8JsonReader(_data[_before..], _isFinal, standIn.CurrentState);
    }
}
