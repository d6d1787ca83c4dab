using System.Diagnostics;
using System.Text;
using System.Text.Json;
using CityPulse.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;

namespace CityPulse.Tests.ServiceDefaults.Telemetry;

public sealed class JsonLinesTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_record_is_one_line_with_its_values_by_name()
    {
        var record = Parse(Write(
            "GET took 1.25 ms", [new("Method", "GET"), new("ElapsedMs", 1.25), new("ErrorId", null), new("{OriginalFormat}", "{Method} took {ElapsedMs} ms")]));
        record.GetProperty("Timestamp").GetDateTimeOffset().ShouldBe(Now);
        record.GetProperty("LogLevel").GetString().ShouldBe("Warning");
        record.GetProperty("Category").GetString().ShouldBe("CityPulse.Tests");
        record.GetProperty("Message").GetString().ShouldBe("GET took 1.25 ms");
        record.GetProperty("State").GetProperty("Method").GetString().ShouldBe("GET");
        record.GetProperty("State").GetProperty("ElapsedMs").GetDouble().ShouldBe(1.25);
        record.GetProperty("State").GetProperty("ErrorId").ValueKind.ShouldBe(JsonValueKind.Null);
        record.GetProperty("State").TryGetProperty("{OriginalFormat}", out _).ShouldBeFalse();
    }

    [Fact]
    public void A_record_names_the_trace_that_it_belongs_to()
    {
        Parse(Write("alone", [])).TryGetProperty("TraceId", out _).ShouldBeFalse();
        using var activity = new Activity("work").Start();
        var record = Parse(Write("within", []));
        record.GetProperty("TraceId").GetString().ShouldBe(activity.TraceId.ToString());
        record.GetProperty("SpanId").GetString().ShouldBe(activity.SpanId.ToString());
    }

    [Fact]
    public void What_a_stranger_sends_cannot_begin_a_line_of_its_own()
    {
        var text = "a\r\n{\"LogLevel\":\"Critical\"}\u2028\u0000\"";
        Parse(Write(text, [new("Text", text), new("{OriginalFormat}", "{Text}")])).GetProperty("State").GetProperty("Text").GetString().ShouldBe(text);
    }

    [Fact]
    public void A_fault_and_a_long_text_are_written_in_full()
    {
        var text = new string('ß', 100_000);
        var record = Parse(Write(text, [], new InvalidOperationException("broken")));
        record.GetProperty("Message").GetString().ShouldBe(text);
        record.GetProperty("Exception").GetString().ShouldStartWith("System.InvalidOperationException: broken");
        Parse(Write("next", [])).GetProperty("Message").GetString().ShouldBe("next");
    }

    private static string Write(string message, IReadOnlyList<KeyValuePair<string, object?>> state, Exception? exception = null) =>
        Encoding.UTF8.GetString(JsonLines.Write(
            Now, new LogEntry<IReadOnlyList<KeyValuePair<string, object?>>>(LogLevel.Warning, "CityPulse.Tests", 0, state, exception, (_, _) => message)));

    private static JsonElement Parse(string line)
    {
        line.ShouldEndWith("\n");
        line.TrimEnd('\r', '\n').ShouldNotContain("\n");
        return JsonElement.Parse(line);
    }
}
