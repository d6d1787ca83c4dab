using System.Globalization;
using System.Text;
using CityPulse.Api.Readings.Ingest;
using Shouldly;

namespace CityPulse.Tests.Api.Readings;

public sealed class ReadingParserTests
{
    private static readonly long Now = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 6, 1, 0, 0, 0, TimeSpan.Zero));

    private const string Json = """
        { "readings": [
          {"sensor":"a","at":"2026-05-01T00:00:00Z","value":1.5},
          {"at":"2026-05-01T00:15:00.123456+02:00", "value":-0.0, "sensor":"caf\u00e9 \"1\"", "quality":"bad"},
          {"sensor":"日本","at":"2026-05-01T00:30:00Z","value":1e-320,"quality":null},
          {"sensor":"a","at":"2026-05-01T00:45:00Z","value":NaN},
          {"sensor":"a","at":"2026-05-01T01:00:00Z","value": -Infinity },
          {"sensor":"a","value":"Infinity","at":"2026-05-01T01:00:00Z"},
          {"sensor":"a","at":"2026-05-01T01:15:00Z","value":1e999},
          {"sensor":"a","at":"2026-05-01T01:15:00","value":1},
          {"sensor":"a","at":"soon","value":1},
          {"sensor":"a","at":"2026-05-01T01:15:00Z","value":1,"quality":"fine"},
          {"sensor":"a","at":"2026-06-01T00:05:00.000001Z","value":1},
          {"sensor":"a","at":"2026-06-01T00:05:00Z","value":1},
          {"sensor":"a","at":"1999-12-31T23:59:59.999999Z","value":1},
          {"sensor":"a","at":"2000-01-01T00:00:00Z","value":17.976931348623157e307}
        ] }
        """;

    private static readonly string[] JsonRows =
    [
        "a 2026-05-01T00:00:00.000000 1.5 Good None",
        "café \"1\" 2026-04-30T22:15:00.123456 -0 Bad None",
        "日本 2026-05-01T00:30:00.000000 1E-320 Good None",
        "a 2026-05-01T00:45:00.000000 0 Good NotFinite",
        "a 2026-05-01T01:00:00.000000 0 Good NotFinite",
        "a 2026-05-01T01:00:00.000000 0 Good NotFinite",
        "a 2026-05-01T01:15:00.000000 ∞ Good NotFinite",
        "a 1970-01-01T00:00:00.000000 1 Good InvalidTime",
        "a 1970-01-01T00:00:00.000000 1 Good InvalidTime",
        "a 2026-05-01T01:15:00.000000 1 255 InvalidQuality",
        "a 2026-06-01T00:05:00.000001 1 Good InFuture",
        "a 2026-06-01T00:05:00.000000 1 Good None",
        "a 1999-12-31T23:59:59.999999 1 Good TooOld",
        "a 2000-01-01T00:00:00.000000 1.7976931348623157E+308 Good None",
    ];

    private const string Csv =
        "value, at ,\"sensor\",quality\r\n1.5,2026-05-01T00:00:00Z,a,\r\n\r\n+2e3, 2026-05-01T00:15:00+01:00 ,\"b,\"\"1\"\"\nx\",uncertain\n"
        + "nan,2026-05-01T00:00:00Z,a,good\n-inf,2026-05-01T00:00:00Z,a,good\nabc,2026-05-01T00:00:00Z,a,good\n,2026-05-01T00:00:00Z,a,good\n.5,2026-05-01T00:00:00Z,,bad";

    private static readonly string[] CsvRows =
    [
        "a 2026-05-01T00:00:00.000000 1.5 Good None",
        "b,\"1\"\nx 2026-04-30T23:15:00.000000 2000 Uncertain None",
        "a 2026-05-01T00:00:00.000000 0 Good NotFinite",
        "a 2026-05-01T00:00:00.000000 0 Good NotFinite",
        "a 2026-05-01T00:00:00.000000 0 Good InvalidValue",
        "a 2026-05-01T00:00:00.000000 0 Good InvalidValue",
        " 2026-05-01T00:00:00.000000 0.5 Bad None",
    ];

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(64)]
    public void Json_is_read_the_same_however_it_is_cut(int piece) => Rows("json", Json, piece).ShouldBe(JsonRows);

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    [InlineData(5)]
    public void Ndjson_is_read_the_same_however_it_is_cut(int piece)
    {
        var lines = Json.Split('\n')[1..^1].Select(line => line.Trim().TrimEnd(','));
        Rows("ndjson", "\n" + string.Join("\r\n \n", lines), piece).ShouldBe(JsonRows);
        Rows("ndjson", string.Join("\n", lines) + "\n", piece).ShouldBe(JsonRows);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(1)]
    [InlineData(5)]
    public void Csv_is_read_the_same_however_it_is_cut(int piece)
    {
        Rows("csv", Csv, piece).ShouldBe(CsvRows);
        Rows("csv", "\uFEFF" + Csv + "\n", piece).ShouldBe(CsvRows);
    }

    [Fact]
    public void All_bits_of_a_number_arrive()
    {
        var random = new Random(7);
        var values = Enumerable.Range(0, 2000).Select(_ => BitConverter.Int64BitsToDouble(random.NextInt64())).Where(double.IsFinite).ToArray();
        var json = new StringBuilder("{\"readings\":[");
        json.AppendJoin(',', values.Select(v => string.Create(CultureInfo.InvariantCulture, $"{{\"sensor\":\"a\",\"at\":\"2026-05-01T00:00:00Z\",\"value\":{v:R}}}")));
        using var batch = Parse("json", json.Append("]}").ToString(), int.MaxValue, out var fault);
        fault.ShouldBeNull();
        batch.Rows.ToArray().Select(r => BitConverter.DoubleToInt64Bits(r.Value)).ShouldBe(values.Select(BitConverter.DoubleToInt64Bits));
    }

    [Theory]
    [InlineData("json", "", "$", 1, 1)]
    [InlineData("json", "nonsense", "$", 1, 1)]
    [InlineData("json", "[]", "$", 1, 1)]
    [InlineData("json", "{}", "readings", 1, 2)]
    [InlineData("json", "{\"readings\":{}}", "readings", 1, 13)]
    [InlineData("json", "{\"readings\":[1]}", "readings[0]", 1, 14)]
    [InlineData("json", "{\"readings\":[]", "$", 1, 15)]
    [InlineData("json", "{\"readings\":[]}x", "$", 1, 16)]
    [InlineData("json", "{\"readings\":[],\"more\":1}", "more", 1, 22)]
    [InlineData("json", "{\"readings\":[],\"readings\":[]}", "readings", 1, 26)]
    [InlineData("json", "{\"readings\":[\n{\"sensor\":\"a\",\"at\":\"2026-05-01T00:00:00Z\",\"value\":1},\n {\"sensor\":\"a\",\"at\":2}]}", "readings[1].at", 3, 21)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"at\":\"\",\"value\":\"1.5\"}]}", "readings[0].value", 1, 48)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"at\":\"\",\"value\":null}]}", "readings[0].value", 1, 47)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"at\":\"\",\"value\":true}]}", "readings[0].value", 1, 47)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"at\":\"\",\"value\":[1]}]}", "readings[0].value", 1, 44)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"at\":\"\",\"value\":NaN1}]}", "readings[0]", 1, 47)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"at\":\"\",\"value\":Nan}]}", "readings[0]", 1, 44)]
    [InlineData("json", "{\"readings\":[{\"sensor\":1,\"at\":\"\",\"value\":1}]}", "readings[0].sensor", 1, 24)]
    [InlineData("json", "{\"readings\":[{\"sensor\":null,\"at\":\"\",\"value\":1}]}", "readings[0].sensor", 1, 27)]
    [InlineData("json", "{\"readings\":[{\"at\":\"\",\"value\":1}]}", "readings[0].sensor", 1, 32)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"at\":\"\"}]}", "readings[0].value", 1, 35)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"vlaue\":1}]}", "readings[0].vlaue", 1, 35)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"Value\":1}]}", "readings[0].Value", 1, 35)]
    [InlineData("json", "{\"readings\":[{\"sensor\":\"a\",\"sensor\":\"b\"}]}", "readings[0].sensor", 1, 36)]
    [InlineData("json", "{\"readings\":[{\"a b\":1}]}", "readings[0]['a b']", 1, 20)]
    [InlineData("ndjson", "{\"sensor\":\"a\",\"at\":\"\",\"value\":1}\n{\"sensor\":\"a\"", "[1]", 2, 14)]
    [InlineData("ndjson", "[]", "[0]", 1, 1)]
    [InlineData("ndjson", "\n\n{\"sensor\":\"a\"} {}", "[0].at", 3, 14)]
    [InlineData("ndjson", "{\"sensor\":\"a\",\"at\":\"\",\"value\":1} {}", "[1]", 1, 34)]
    [InlineData("csv", "", "$", 1, 1)]
    [InlineData("csv", "sensor,at\n", "line 1", 1, 1)]
    [InlineData("csv", "sensor,at,value,unit\n", "line 1", 1, 1)]
    [InlineData("csv", "sensor,at,value,value\n", "line 1", 1, 1)]
    [InlineData("csv", "sensor,at,value,quality,x\n", "line 1", 1, 1)]
    [InlineData("csv", "sensor,at,value\na,b\n", "line 2", 2, 1)]
    [InlineData("csv", "sensor,at,value\na,b,1\na,b,1,2,3,4,5\n", "line 3", 3, 1)]
    [InlineData("csv", "sensor,at,value\n\"a,b,1\n", "line 2", 2, 1)]
    [InlineData("csv", "sensor,at,value\n\"a\"b,c,1\n", "line 2", 2, 1)]
    [InlineData("csv", "sensor,at,value\na\"b\",c,1\n", "line 2", 2, 1)]
    public void What_is_not_of_the_contract_is_refused_with_its_place(string format, string body, string path, int line, int at)
    {
        foreach (var piece in new[] { int.MaxValue, 1, 3 })
        {
            using var batch = Parse(format, body, piece, out var fault);
            fault.ShouldNotBeNull();
            fault.Status.ShouldBe(400);
            fault.Path.ShouldBe(path);
            fault.Message.ShouldStartWith($"Line {line}, byte {at}: ");
        }
    }

    [Theory]
    [InlineData("json")]
    [InlineData("ndjson")]
    [InlineData("csv")]
    public void The_hundred_thousandth_row_is_the_last(string format)
    {
        foreach (var extra in new[] { 0, 1 })
        {
            using var batch = Parse(format, Body(format, IngestLimits.MaxRows + extra), int.MaxValue, out var fault);
            batch.Count.ShouldBe(IngestLimits.MaxRows);
            fault?.Status.ShouldBe(413);
            (fault is null).ShouldBe(extra == 0);
        }
    }

    [Fact]
    public void Many_names_are_told_apart()
    {
        using var names = new SensorNames();
        var previous = -1;
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 5000; i++)
            {
                names.Add(Encoding.UTF8.GetBytes($"sensor-{i}"), previous).ShouldBe(i);
                previous = i % 3 == 0 ? -1 : i;
            }
        }

        names.Count.ShouldBe(5000);
        names.ToText(4321).ShouldBe("sensor-4321");
    }

    [Fact]
    public void Only_the_first_details_are_kept()
    {
        var body = "sensor,at,value\n" + string.Concat(Enumerable.Repeat("a,soon,1\n", 150));
        using var batch = Parse("csv", body, int.MaxValue, out _);
        batch.DetailOf(0).ShouldBe("'soon' is no RFC 3339 time such as 2026-01-31T12:00:00Z.");
        batch.DetailOf(99).ShouldNotBeNull();
        batch.DetailOf(100).ShouldBeNull();
    }

    private static string Body(string format, int rows) => format switch
    {
        "json" => "{\"readings\":[" + string.Join(',', Enumerable.Repeat("{\"sensor\":\"a\",\"at\":\"\",\"value\":1}", rows)) + "]}",
        "ndjson" => string.Join('\n', Enumerable.Repeat("{\"sensor\":\"a\",\"at\":\"\",\"value\":1}", rows)),
        _ => "sensor,at,value\n" + string.Join('\n', Enumerable.Repeat("a,,1", rows)),
    };

    private static string[] Rows(string format, string body, int piece)
    {
        using var batch = Parse(format, body, piece, out var fault);
        fault.ShouldBeNull();
        return [.. batch.Rows.ToArray().Select(r => string.Create(CultureInfo.InvariantCulture,
            $"{batch.Names.ToText(r.Name)} {Timestamp.ToDateTime(r.AtMicroseconds):yyyy-MM-ddTHH:mm:ss.ffffff} {r.Value:R} {r.Quality} {r.Fault}").Replace("Infinity", "∞", StringComparison.Ordinal))];
    }

    private static IngestBatch Parse(string format, string body, int piece, out BodyFault? fault)
    {
        var batch = new IngestBatch(Now);
        ReadingParser parser = format switch
        {
            "json" => new JsonReadingParser(batch),
            "ndjson" => new NdjsonReadingParser(batch),
            _ => new CsvReadingParser(batch),
        };
        var bytes = Encoding.UTF8.GetBytes(body);
        var (start, end) = (0, 0);
        while (end < bytes.Length && parser.Fault is null)
        {
            end = (int)Math.Min(bytes.Length, (long)end + piece);
            start += parser.Take(bytes.AsSpan(start, end - start), isFinal: false);
        }

        if (parser.Fault is null)
        {
            parser.Take(bytes.AsSpan(start), isFinal: true);
        }

        fault = parser.Fault;
        return batch;
    }
}
