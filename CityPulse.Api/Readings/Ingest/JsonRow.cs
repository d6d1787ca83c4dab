using System.Buffers;
using System.Text.Json;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>One row as a JSON object, taken token by token: <c>{ "sensor", "at", "value"[, "quality"] }</c>.</summary>
internal sealed class JsonRow(IngestBatch batch)
{
    private Member _seen;
    private Member _current;
    private IngestRow _row;
    private string? _detail;
    private int _previousName = -1;

    [Flags]
    private enum Member : byte
    {
        None = 0,
        Sensor = 1,
        At = 2,
        Value = 4,
        Quality = 8,
    }

    internal enum Step
    {
        More,
        Done,
        /// <summary>The row is not of the contract's shape: see <see cref="Complaint"/>.</summary>
        Refused,
    }

    public bool NumberIsDue => _current == Member.Value;

    public string Complaint { get; private set; } = "";

    /// <summary>The member that the complaint is about, as a suffix of a JSON path.</summary>
    public string ComplaintPath { get; private set; } = "";

    /// <summary>The object's brace was read.</summary>
    public void Begin()
    {
        _seen = _current = Member.None;
        _row = default;
        _detail = null;
    }

    public void TakeNotFinite()
    {
        _current = Member.None;
        SetFault(RowFault.NotFinite, null);
    }

    public Step Take(ref Utf8JsonReader token)
    {
        if (_current != Member.None)
        {
            var step = TakeValue(ref token);
            _current = Member.None;
            return step;
        }

        return token.TokenType == JsonTokenType.EndObject ? End() : TakeName(ref token);
    }

    private Step End()
    {
        const Member required = Member.Sensor | Member.At | Member.Value;
        if ((_seen & required) != required)
        {
            return Refuse(Name(FirstOf(required & ~_seen)), "The member is required.");
        }

        batch.Add(_row, _detail);
        return Step.Done;
    }

    private Step TakeName(ref Utf8JsonReader token)
    {
        _current = token.ValueTextEquals("sensor"u8) ? Member.Sensor
            : token.ValueTextEquals("at"u8) ? Member.At
            : token.ValueTextEquals("value"u8) ? Member.Value
            : token.ValueTextEquals("quality"u8) ? Member.Quality
            : Member.None;
        if (_current == Member.None)
        {
            return Refuse(token.GetString() ?? "", "A reading has no such member; it has sensor, at, value and quality.");
        }

        if ((_seen & _current) != 0)
        {
            return Refuse(Name(_current), "The member stands here twice.");
        }

        _seen |= _current;
        return Step.More;
    }

    private Step TakeValue(ref Utf8JsonReader token)
    {
        switch (_current)
        {
            case Member.Value when token.TokenType == JsonTokenType.Number:
                // Too large a number becomes infinite, which the batch reports as a bad row.
                return Fields.TryReadNumber(token.ValueSpan, out _row.Value) ? Step.More : Refuse("value", "This is no number.");

            case Member.Value when token.TokenType == JsonTokenType.String && Fields.IsNotFinite(token.ValueSpan):
                SetFault(RowFault.NotFinite, null);
                return Step.More;

            case Member.Value:
                return Refuse("value", "The value must be a number.");

            case Member.Quality when token.TokenType == JsonTokenType.Null:
                return Step.More;

            case var member when token.TokenType != JsonTokenType.String:
                return Refuse(Name(member), "The value must be a string.");

            default:
                TakeText(ref token);
                return Step.More;
        }
    }

    private void TakeText(ref Utf8JsonReader token)
    {
        if (!token.ValueIsEscaped)
        {
            TakeText(token.ValueSpan);
            return;
        }

        var plain = ArrayPool<byte>.Shared.Rent(token.ValueSpan.Length);
        TakeText(plain.AsSpan(0, token.CopyString(plain)));
        ArrayPool<byte>.Shared.Return(plain);
    }

    private void TakeText(ReadOnlySpan<byte> text)
    {
        switch (_current)
        {
            case Member.Sensor:
                _row.Name = _previousName = batch.Names.Add(text, _previousName);
                break;

            case Member.At:
                var fault = Fields.ReadTime(text, out _row.AtMicroseconds, out var withoutOffset);
                if (fault != RowFault.None)
                {
                    SetFault(fault, batch.WantsDetail ? Fields.TimeDetail(ReadingParser.Quote(text), withoutOffset) : null);
                }

                break;

            default:
                if (!Fields.TryReadQuality(text, out _row.Quality))
                {
                    SetFault(RowFault.InvalidQuality, batch.WantsDetail ? Fields.QualityDetail(ReadingParser.Quote(text)) : null);
                }

                break;
        }
    }

    /// <summary>The first fault of a row is the one that is told.</summary>
    private void SetFault(RowFault fault, string? detail)
    {
        if (_row.Fault == RowFault.None)
        {
            _row.Fault = fault;
            _detail = detail;
        }
    }

    private Step Refuse(string member, string complaint)
    {
        ComplaintPath = member.Length > 0 && member.All(char.IsAsciiLetterOrDigit) ? $".{member}" : $"['{member}']";
        Complaint = complaint;
        return Step.Refused;
    }

    private static Member FirstOf(Member members) => (Member)((int)members & -(int)members);

    private static string Name(Member member) => member switch
    {
        Member.Sensor => "sensor",
        Member.At => "at",
        Member.Value => "value",
        _ => "quality",
    };
}
