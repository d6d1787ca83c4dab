using System.Text;
using System.Text.Json;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>
/// Sensor Measurement Lists (RFC 8428) in JSON: an array of records whose base fields hold for the records after them. The resolved
/// name is the sensor's id or external id. Records that carry no numeric value are bad rows, not bad bodies.
/// </summary>
internal sealed class SenMlReadingParser(IngestBatch batch) : ReadingParser(batch)
{
    private readonly SenMlRecord _record = new(batch);
    private JsonReaderState _state;
    private Place _place;

    private enum Place
    {
        Document,
        Records,
        Record,
        End,
    }

    protected override int Parse(ReadOnlySpan<byte> data, bool isFinal)
    {
        var tokens = new JsonTokens(data, isFinal, _state);
        try
        {
            while (Fault is null && tokens.Read(_place == Place.Record && _record.NumberIsDue, out var isNotFinite))
            {
                if (isNotFinite)
                {
                    _record.TakeNotFinite();
                }
                else if (_place == Place.Record)
                {
                    TakeInRecord(ref tokens, data);
                }
                else
                {
                    TakeAround(ref tokens, data);
                }
            }
        }
        catch (JsonException e)
        {
            Refuse(data, JsonReadingParser.StartOfNext(data, tokens.Position), Path(), JsonReadingParser.Explain(e));
        }

        _state = tokens.Current.CurrentState;
        return tokens.Position;
    }

    private void TakeInRecord(ref JsonTokens tokens, ReadOnlySpan<byte> data)
    {
        switch (_record.Take(ref tokens.Current))
        {
            case JsonRow.Step.Done:
                _place = Place.Records;
                break;
            case JsonRow.Step.Refused:
                Refuse(data, tokens.Position - 1, Path(), _record.Complaint);
                break;
        }
    }

    private void TakeAround(ref JsonTokens tokens, ReadOnlySpan<byte> data)
    {
        switch (_place, tokens.Current.TokenType)
        {
            case (Place.Document, JsonTokenType.StartArray):
                _place = Place.Records;
                break;
            case (Place.Records, JsonTokenType.StartObject):
                if (!RefuseIfFull())
                {
                    _record.Begin();
                    _place = Place.Record;
                }

                break;
            case (Place.Records, JsonTokenType.EndArray):
                _place = Place.End;
                break;
            case (Place.Document, _):
                Refuse(data, tokens.Position - 1, "$", "A SenML pack is an array of records.");
                break;
            default:
                Refuse(data, tokens.Position - 1, Path(), "A SenML record is an object.");
                break;
        }
    }

    private string Path() => _place == Place.Document ? "$" : $"[{Batch.Count}]";
}

/// <summary>One record, taken token by token, and the base fields of those before it.</summary>
internal sealed class SenMlRecord(IngestBatch batch)
{
    private const int HighestVersion = 10;

    /// <summary>Times below count from now (RFC 8428, 4.5.3).</summary>
    private const long RelativeBelow = (1L << 28) * Timestamp.MicrosecondsPerSecond;

    private readonly Base _base = new();
    private Field _current;
    private Field _seen;
    private string _name = "";
    private string? _unit;
    private double _value;
    private double _time;
    private RowFault _fault;
    private string? _detail;
    private int _skipBelow = -1;

    [Flags]
    private enum Field
    {
        None = 0,
        BaseName = 1,
        BaseTime = 2,
        BaseUnit = 4,
        BaseValue = 8,
        BaseVersion = 16,
        Name = 32,
        Unit = 64,
        Value = 128,
        Time = 256,
        /// <summary>vs, vb, vd, s, bs: known, and nothing that a sensor here has.</summary>
        Other = 512,
        /// <summary>Not known, and free to be there (RFC 8428, 4.4).</summary>
        Ignored = 1024,
    }

    private sealed class Base
    {
        public string Name { get; set; } = "";
        public string? Unit { get; set; }
        public double Time { get; set; }
        public double Value { get; set; }
    }

    public bool NumberIsDue => _current is Field.Value or Field.BaseValue;

    public string Complaint { get; private set; } = "";

    /// <summary>The record's brace was read.</summary>
    public void Begin()
    {
        _current = _seen = Field.None;
        (_name, _unit, _value, _time) = ("", null, 0, 0);
        (_fault, _detail) = (RowFault.None, null);
    }

    public void TakeNotFinite()
    {
        _current = Field.None;
        SetFault(RowFault.NotFinite, null);
    }

    public JsonRow.Step Take(ref Utf8JsonReader token)
    {
        if (_skipBelow >= 0)
        {
            // Inside something that is passed over, until it ends where it began.
            if (token.CurrentDepth == _skipBelow)
            {
                _skipBelow = -1;
            }

            return JsonRow.Step.More;
        }

        if (_current != Field.None)
        {
            var step = TakeValue(ref token);
            _current = Field.None;
            return step;
        }

        return token.TokenType == JsonTokenType.EndObject ? End() : TakeName(ref token);
    }

    private JsonRow.Step TakeName(ref Utf8JsonReader token)
    {
        _current = token.ValueTextEquals("n"u8) ? Field.Name
            : token.ValueTextEquals("v"u8) ? Field.Value
            : token.ValueTextEquals("t"u8) ? Field.Time
            : token.ValueTextEquals("u"u8) ? Field.Unit
            : token.ValueTextEquals("bn"u8) ? Field.BaseName
            : token.ValueTextEquals("bt"u8) ? Field.BaseTime
            : token.ValueTextEquals("bu"u8) ? Field.BaseUnit
            : token.ValueTextEquals("bv"u8) ? Field.BaseValue
            : token.ValueTextEquals("bver"u8) ? Field.BaseVersion
            : token.ValueTextEquals("vs"u8) || token.ValueTextEquals("vb"u8) || token.ValueTextEquals("vd"u8) || token.ValueTextEquals("s"u8) ? Field.Other
            : Field.Ignored;
        if (_current == Field.Ignored && token.GetString()!.EndsWith('_'))
        {
            return Refuse($"The field '{token.GetString()}' must be understood, and is not.");
        }

        if (_current is not (Field.Ignored or Field.Other) && (_seen & _current) != 0)
        {
            return Refuse($"The field '{token.GetString()}' stands here twice.");
        }

        _seen |= _current;
        return JsonRow.Step.More;
    }

    private JsonRow.Step TakeValue(ref Utf8JsonReader token)
    {
        switch (_current)
        {
            case Field.Other or Field.Ignored:
                if (token.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                {
                    _skipBelow = token.CurrentDepth;
                }

                return JsonRow.Step.More;

            case Field.Name or Field.BaseName or Field.Unit or Field.BaseUnit:
                if (token.TokenType != JsonTokenType.String)
                {
                    return Refuse("Names and units are strings.");
                }

                TakeText(token.GetString()!);
                return JsonRow.Step.More;

            default:
                if (token.TokenType != JsonTokenType.Number || !Fields.TryReadNumber(token.ValueSpan, out var number))
                {
                    return Refuse("Values, times and versions are numbers.");
                }

                return TakeNumber(number);
        }
    }

    private void TakeText(string text)
    {
        switch (_current)
        {
            case Field.Name:
                _name = text;
                break;
            case Field.BaseName:
                _base.Name = text;
                break;
            case Field.Unit:
                _unit = text;
                break;
            default:
                _base.Unit = text;
                break;
        }
    }

    private JsonRow.Step TakeNumber(double number)
    {
        switch (_current)
        {
            case Field.Value:
                _value = number;
                break;
            case Field.Time:
                _time = number;
                break;
            case Field.BaseValue:
                _base.Value = number;
                break;
            case Field.BaseTime:
                _base.Time = number;
                break;
            case Field.BaseVersion when number > HighestVersion:
                return Refuse($"SenML is understood up to version {HighestVersion}.");
        }

        return JsonRow.Step.More;
    }

    private JsonRow.Step End()
    {
        const Field ofTheRow = Field.Name | Field.Unit | Field.Value | Field.Time | Field.Other;
        if ((_seen & ofTheRow) == 0 && _fault == RowFault.None)
        {
            // A record may hold base fields only.
            return JsonRow.Step.Done;
        }

        if ((_seen & Field.Value) == 0 && _fault == RowFault.None)
        {
            SetFault(RowFault.Unsupported, "The record has no numeric value (v); text, data, Booleans and sums are not kept.");
        }

        var row = new IngestRow
        {
            Name = batch.Names.Add(Encoding.UTF8.GetBytes(_base.Name + _name), -1),
            Value = _value + _base.Value,
            Fault = _fault,
        };
        if (!TryTime(out row.AtMicroseconds) && row.Fault == RowFault.None)
        {
            (row.Fault, _detail) = (RowFault.InvalidTime, "The time is none that there can be.");
        }

        if ((_unit ?? _base.Unit) is { Length: > 0 } unit && row.Fault == RowFault.None && !TryUnit(unit, out row.Unit))
        {
            (row.Fault, _detail) = (RowFault.InvalidUnit, "The batch names more units than there are.");
        }

        batch.Add(row, _detail);
        return JsonRow.Step.Done;
    }

    private bool TryTime(out long microseconds)
    {
        // Each part by itself: their sum in seconds has no room for microseconds.
        var (seconds, rest) = (_base.Time * Timestamp.MicrosecondsPerSecond, _time * Timestamp.MicrosecondsPerSecond);
        const double limit = 1e17;
        microseconds = 0;
        if (!(Math.Abs(seconds) < limit && Math.Abs(rest) < limit))
        {
            return false;
        }

        microseconds = (long)Math.Round(seconds) + (long)Math.Round(rest);
        microseconds += microseconds < RelativeBelow ? batch.NowMicroseconds : 0;
        return true;
    }

    private bool TryUnit(string unit, out byte number)
    {
        var code = SenMlUnits.ToUcum(unit);
        var found = batch.Units.IndexOf(code, 1);
        if (found < 0 && batch.Units.Count <= byte.MaxValue)
        {
            found = batch.Units.Count;
            batch.Units.Add(code);
        }

        number = (byte)Math.Max(0, found);
        return found > 0;
    }

    /// <summary>The first fault of a record is the one that is told.</summary>
    private void SetFault(RowFault fault, string? detail)
    {
        if (_fault == RowFault.None)
        {
            (_fault, _detail) = (fault, detail);
        }
    }

    private JsonRow.Step Refuse(string complaint)
    {
        Complaint = complaint;
        return JsonRow.Step.Refused;
    }
}

/// <summary>SenML's own names of units (RFC 8428, 12.1; RFC 8798) where UCUM has another. The rest is the same.</summary>
internal static class SenMlUnits
{
    public static string ToUcum(string unit) => unit switch
    {
        "%RH" or "%EL" or "/100" => "%",
        "/" or "count" => "1",
        "ppm" => "[ppm]",
        "ppb" => "[ppb]",
        "Bspl" => "B[SPL]",
        "1/min" or "beat/min" => "/min",
        "1/s" => "/s",
        _ => unit,
    };
}
