using System.Text.Json;

namespace CityPulse.Api.Readings.Ingest;

/// <summary>One JSON object a line; empty lines are no rows.</summary>
internal sealed class NdjsonReadingParser(IngestBatch batch) : ReadingParser(batch)
{
    private readonly JsonRow _row = new(batch);

    protected override int Parse(ReadOnlySpan<byte> data, bool isFinal)
    {
        var taken = 0;
        while (Fault is null && taken < data.Length)
        {
            var length = data[taken..].IndexOf((byte)'\n');
            if (length < 0 && !isFinal)
            {
                break;
            }

            var end = length < 0 ? data.Length : taken + length;
            if (data[taken..end].ContainsAnyExcept(" \t\r"u8))
            {
                ParseLine(data, taken, end);
            }

            taken = Math.Min(end + 1, data.Length);
        }

        return taken;
    }

    private void ParseLine(ReadOnlySpan<byte> data, int start, int end)
    {
        if (RefuseIfFull())
        {
            return;
        }

        var tokens = new JsonTokens(data[start..end], isFinal: true, default);
        try
        {
            tokens.Read(numberIsDue: false, out _);
            if (tokens.Current.TokenType != JsonTokenType.StartObject)
            {
                Refuse(data, start, Path(), "A line must be one object.");
                return;
            }

            _row.Begin();
            var step = JsonRow.Step.More;
            while (tokens.Read(_row.NumberIsDue && step == JsonRow.Step.More, out var isNotFinite))
            {
                if (isNotFinite)
                {
                    _row.TakeNotFinite();
                }
                else if ((step = _row.Take(ref tokens.Current)) == JsonRow.Step.Refused)
                {
                    Refuse(data, start + tokens.Position - 1, Path() + _row.ComplaintPath, _row.Complaint);
                    return;
                }
            }
        }
        catch (JsonException e)
        {
            Refuse(data, JsonReadingParser.StartOfNext(data[..end], start + tokens.Position), Path(), JsonReadingParser.Explain(e));
        }
    }

    private string Path() => $"[{Batch.Count}]";
}
