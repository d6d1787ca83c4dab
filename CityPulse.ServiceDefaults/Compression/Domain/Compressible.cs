namespace CityPulse.ServiceDefaults.Compression.Domain;

/// <summary>Which answers are worth compressing: text, and more than a kilobyte of it.</summary>
internal static class Compressible
{
    /// <summary>Up to here an answer is sent as it is; it fits into one packet anyway.</summary>
    public const int Threshold = 1024;

    public static bool IsText(ReadOnlySpan<char> contentType)
    {
        var type = (contentType.IndexOf(';') is >= 0 and var end ? contentType[..end] : contentType).Trim();

        // A stream of events has to leave byte by byte; inside a compressor it would be held back.
        return !type.Equals("text/event-stream", StringComparison.OrdinalIgnoreCase)
            && (type.StartsWith("text/", StringComparison.OrdinalIgnoreCase)
                || type.EndsWith("/json", StringComparison.OrdinalIgnoreCase)
                || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
                || type.EndsWith("+xml", StringComparison.OrdinalIgnoreCase)
                || type.Equals("application/javascript", StringComparison.OrdinalIgnoreCase)
                || type.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase)
                || type.Equals("application/xml", StringComparison.OrdinalIgnoreCase));
    }
}
