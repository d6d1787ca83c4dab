using System.Buffers;
using System.Text.Json;

namespace CityPulse.Api.Readings.Ingest;

/// <summary><c>{ "readings": [ row, … ] }</c>, read token by token: no row becomes an object.</summary>
internal sealed class JsonReadingParser(IngestBatch batch) : ReadingParser(batch)
{
    private static readonly SearchValues<byte> Separators = SearchValues.Create(" \t\r\n,:"u8);
    private readonly JsonRow _row = new(batch);
    private JsonReaderState _state;
    private Place _place;
    private bool _hasReadings;

    private enum Place
    {
        Document,
        Members,
        BeforeRows,
        Rows,
        Row,
        End,
    }

    protected override int Parse(ReadOnlySpan<byte> data, bool isFinal)
    {
        var tokens = new JsonTokens(data, isFinal, _state);
        try
        {
            while (Fault is null && tokens.Read(_place == Place.Row && _row.NumberIsDue, out var isNotFinite))
            {
                if (isNotFinite)
                {
                    _row.TakeNotFinite();
                }
                else if (_place == Place.Row)
                {
                    TakeInRow(ref tokens, data);
                }
                else
                {
                    TakeAround(ref tokens, data);
                }
            }
        }
        catch (JsonException e)
        {
            Refuse(data, StartOfNext(data, tokens.Position), Path(), Explain(e));
        }

        _state = tokens.Current.CurrentState;
        return tokens.Position;
    }

    private void TakeInRow(ref JsonTokens tokens, ReadOnlySpan<byte> data)
    {
        switch (_row.Take(ref tokens.Current))
        {
            case JsonRow.Step.Done:
                _place = Place.Rows;
                break;
            case JsonRow.Step.Refused:
                Refuse(data, tokens.Position - 1, Path() + _row.ComplaintPath, _row.Complaint);
                break;
        }
    }

    private void TakeAround(ref JsonTokens tokens, ReadOnlySpan<byte> data)
    {
        ref var token = ref tokens.Current;
        switch (_place, token.TokenType)
        {
            case (Place.Document, JsonTokenType.StartObject):
                _place = Place.Members;
                break;
            case (Place.Members, JsonTokenType.PropertyName) when token.ValueTextEquals("readings"u8) && !_hasReadings:
                _hasReadings = true;
                _place = Place.BeforeRows;
                break;
            case (Place.Members, JsonTokenType.PropertyName):
                Refuse(data, tokens.Position - 1, token.GetString() is { Length: > 0 } name ? name : "$", "The body has one member, readings, once; this is one too many.");
                break;
            case (Place.Members, JsonTokenType.EndObject) when _hasReadings:
                _place = Place.End;
                break;
            case (Place.Members, _):
                Refuse(data, tokens.Position - 1, "readings", "The member is required.");
                break;
            case (Place.BeforeRows, JsonTokenType.StartArray):
                _place = Place.Rows;
                break;
            case (Place.Rows, JsonTokenType.StartObject):
                if (!RefuseIfFull())
                {
                    _row.Begin();
                    _place = Place.Row;
                }

                break;
            case (Place.Rows, JsonTokenType.EndArray):
                _place = Place.Members;
                break;
            case (Place.BeforeRows, _):
                Refuse(data, tokens.Position - 1, "readings", "The value must be an array.");
                break;
            default:
                Refuse(data, tokens.Position - 1, Path(), "The value must be an object.");
                break;
        }
    }

    private string Path() => _place switch
    {
        Place.Row or Place.Rows => $"readings[{Batch.Count}]",
        Place.BeforeRows => "readings",
        _ => "$",
    };

    internal static int StartOfNext(ReadOnlySpan<byte> data, int position)
    {
        var next = data[position..].IndexOfAnyExcept(Separators);
        return next < 0 ? data.Length : position + next;
    }

    /// <summary>The reader's sentence without its own idea of the place, which knows only the current piece.</summary>
    internal static string Explain(JsonException e)
    {
        var place = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return place < 0 ? e.Message : e.Message[..place];
    }
}
