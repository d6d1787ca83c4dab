using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace CityPulse.Tests.Security;

/// <summary>
/// Requests that are wrong somewhere, made up from the document. A request is a function of the seed and its number alone, so that one that did
/// harm can be sent again.
/// </summary>
internal sealed class MalformedRequests(ApiDocument document, MadeUpCity city, int seed)
{
    /// <summary>Calls whose price is a password hash: tried, but not most of the time.</summary>
    private static readonly string[] Costly = ["/api/v1/auth/login", "/api/v1/auth/register", "/api/v1/users"];

    private static readonly string[] Texts =
    [
        "", " ", "null", "true", "0", "-1", "1e999", "NaN", "Infinity", "-0", "9999999999999999999999", "0x1F", "1,5", "[]", "{}", "\"", "'", "\\", "%", "%%", "%zz",
        "' OR 1=1 --", "'; DROP TABLE buildings; --", "<script>alert(1)</script>", "${jndi:ldap://example.org}", "{{7*7}}", "../../etc/passwd", "..\\..\\windows",
        "\u0000", "a\u0000b", "\u202e", "\ufeff", "é", "e\u0301", "𝔘𝔫𝔦", "ſ", "İ", "\r\nSet-Cookie: a=b", "2026-13-45T99:99:99Z", "2026-01-01", "2026-01-01T00:00:00",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z", "2026-01-01T00:00:00+99:00", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "{0199d6a8-0000-7000-8000-000000000000}", "0199d6a8000070008000000000000000", "Europe/Atlantis", "raw", "auto", "1d", "desc", "office", "kwh", "500", "501",
        "181,91", "1,2,3", "1,2,3,4", "4,3,2,1", "nan,nan,nan,nan", "1e308,1e308",
    ];

    private static readonly string[] JsonTexts =
    [
        "", "{", "}", "[", "[]", "{}", "null", "true", "0", "\"\"", "{\"a\":}", "{'a':1}", "{\"a\":1,}", "// no", "{\"name\":\"\\ud800\"}", "{\"name\":\"\\u0000\"}", "{\"name\":1e999}",
        "{\"name\":\"a\",\"name\":\"b\"}", "{\"__proto__\":{}}", "{\"$type\":\"System.Diagnostics.Process\"}", "NaN", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "{\"readings\":null}", "{\"readings\":{}}", "{\"readings\":[null]}", "{\"readings\":[[]]}", "sensor,at,value\n\"", "sensor,at\n", "\n\n\n", "a,b,c\n1,2,3",
    ];

    private static readonly string[] MediaTypes =
    [
        "application/json", "application/json; charset=utf-16", "application/json; charset=nonsense", "application/merge-patch+json", "application/json-patch+json",
        "application/x-ndjson", "text/csv", "text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded", "application/octet-stream", "a/b; c", "json", "*/*",
    ];

    private static readonly (string Name, string[] Values)[] Headers =
    [
        ("If-Match", ["*", "\"x\"", "W/\"x\"", "x", "\"", "", "*, *", "\"a\", \"b\", \"c\""]),
        ("If-None-Match", ["*", "\"x\"", "W/\"x\"", "nonsense", "\"", ""]),
        ("If-Modified-Since", ["yesterday", "Sat, 29 Oct 1994 19:43:31 GMT"]),
        ("Idempotency-Key", ["", "k", "\t", "é", "k,k"]),
        ("X-Frontend-Source", ["citypulse", "flowmind", "nobody", "", "citypulse, citypulse", "CITYPULSE"]),
        ("X-Request-Id", ["", "a b", "<x>", "0199d6a8-0000-7000-8000-000000000000"]),
        ("X-Api-Key", ["", "cpk_", "cpk_made_up", "x"]),
        ("traceparent", ["00-0-0-0", "nonsense", "00-00000000000000000000000000000000-0000000000000000-00"]),
        ("Accept", ["*/*", "text/csv", "application/xml", "nonsense", "application/geo+json", "text/html;q=9", "application/json;q=0"]),
        ("Accept-Encoding", ["br", "gzip;q=0", "identity;q=0, *;q=0", "nonsense", "br;q=x"]),
        ("Accept-Language", ["xx", "*"]),
        ("X-Forwarded-For", ["1.2.3.4", "not an address", "::1, ::2"]),
        ("X-Forwarded-Proto", ["https", "gopher"]),
        ("Origin", ["null", "https://evil.example", "http://localhost:5173"]),
        ("Range", ["bytes=0-1", "bytes=9-1"]),
        ("Cookie", ["__Secure-refresh=x", "a=b; c", "="]),
        ("Host", ["evil.example", ""]),
    ];

    private static readonly string[] Tokens = ["", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic YWRtaW46YWRtaW4=", "bearer bearer", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."];

    private readonly List<ApiOperation> _operations = [.. document.Operations];

    public HttpRequestMessage Make(int number)
    {
        var random = new Random(unchecked((seed * 397) ^ number));
        ApiOperation operation;
        do
        {
            operation = Pick(random, _operations);
        }
        while (Costly.Contains(operation.Path) && random.Next(10) > 0);

        var method = random.Next(20) == 0 ? Pick(random, ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND"]) : operation.Method;
        var request = new HttpRequestMessage(new HttpMethod(method), Target(random, operation));
        AddHeaders(random, operation, request);
        if (operation.MediaTypes.Count > 0 || random.Next(15) == 0)
        {
            AddBody(random, operation, request);
        }

        return request;
    }

    private Uri Target(Random random, ApiOperation operation)
    {
        var path = operation.Path;
        foreach (var parameter in operation.Parameters.Where(p => p.In == "path"))
        {
            var id = random.Next(3) > 0 && parameter.IsId ? Id(random) : Uri.EscapeDataString(Text(random));
            path = path.Replace($"{{{parameter.Name}}}", id, StringComparison.Ordinal);
        }

        if (random.Next(30) == 0)
        {
            path += Pick(random, ["/", "//", "/..", "/%2e%2e", "/%00", ";a=b", "/%c0%af", "%", "/%C3%A9", "/%E9"]);
        }

        var query = new List<string>();
        foreach (var parameter in operation.InQuery.Where(p => p.IsRequired || random.Next(3) == 0))
        {
            query.Add($"{Name(random, parameter.Name)}={(parameter.IsId && random.Next(2) == 0 ? Id(random) : Value(random, parameter.Schema))}");
            if (random.Next(20) == 0)
            {
                query.Add($"{parameter.Name}={Uri.EscapeDataString(Text(random))}");
            }
        }

        if (random.Next(25) == 0)
        {
            query.Add(Pick(random, ["x", "=", "&&", "a=%zz", "a=%ff%fe", "%00=%00", "limit=1;cursor=2", "a[]=1", "q=" + new string('q', 3000)]));
        }

        // As it is: what is wrong in it must not be put right on the way.
        return new Uri(city.City.Client.BaseAddress!.GetLeftPart(UriPartial.Authority) + path + (query.Count > 0 ? "?" + string.Join('&', query) : ""),
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
    }

    private static string Name(Random random, string name) => random.Next(40) == 0 ? name.ToUpperInvariant() : name;

    private string Value(Random random, JsonObject schema)
    {
        var type = schema["type"]?.ToString() ?? "";
        return random.Next(3) switch
        {
            0 when type.Contains("integer", StringComparison.Ordinal) => random.Next(-3, 600).ToString(CultureInfo.InvariantCulture),
            0 when schema["format"]?.ToString() == "date-time" => Uri.EscapeDataString(DateTimeOffset.UnixEpoch.AddMinutes(random.NextInt64(40_000_000)).ToString("O", CultureInfo.InvariantCulture)),
            0 when schema["enum"] is JsonArray values => Uri.EscapeDataString(values[random.Next(values.Count)]?.ToString() ?? ""),
            _ => Uri.EscapeDataString(Text(random)),
        };
    }

    private void AddHeaders(Random random, ApiOperation operation, HttpRequestMessage request)
    {
        // Signing off would leave the rest of the requests outside.
        var isLogout = operation.Path.EndsWith("/logout", StringComparison.Ordinal);
        var authorization = isLogout || random.Next(12) == 0 ? Pick(random, Tokens) : $"Bearer {city.City.AccessToken}";
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (random.Next(3) > 0 && request.Method.Method is "PUT" or "PATCH" or "DELETE")
        {
            request.Headers.TryAddWithoutValidation("If-Match", "*");
        }

        for (var more = random.Next(4); more > 0; more--)
        {
            var (name, values) = Pick(random, Headers);
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, random.Next(30) == 0 ? new string('h', random.Next(3000)) : Pick(random, values));
        }
    }

    private void AddBody(Random random, ApiOperation operation, HttpRequestMessage request)
    {
        var bytes = random.Next(4) == 0
            ? Encoding.UTF8.GetBytes(Pick(random, JsonTexts))
            : Encoding.UTF8.GetBytes(Spoil(random, KnownBody(operation, request.Method.Method)).ToJsonString());
        bytes = random.Next(12) switch
        {
            0 when bytes.Length > 2 => bytes[..random.Next(bytes.Length)],
            1 => [.. bytes, 0xFF, 0xFE, 0xC0],
            2 => [0xEF, 0xBB, 0xBF, .. bytes],
            3 => Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(bytes)),
            4 when bytes.Length > 0 => Flip(random, bytes),
            _ => bytes,
        };
        var encoding = random.Next(15) switch { 0 => "gzip", 1 => "br", 2 => "nonsense", 3 => "gzip, gzip", _ => null };
        if (encoding == "gzip" && random.Next(2) == 0)
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            {
                gzip.Write(bytes);
            }

            bytes = packed.ToArray();
            bytes = random.Next(3) == 0 ? bytes[..(bytes.Length / 2)] : bytes;
        }

        request.Content = new ByteArrayContent(bytes);
        if (random.Next(20) > 0)
        {
            var type = random.Next(8) == 0 || operation.MediaTypes.Count == 0 ? Pick(random, MediaTypes) : Pick(random, operation.MediaTypes);
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        if (encoding is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        }
    }

    private JsonObject KnownBody(ApiOperation operation, string method) =>
        operation.Body is null || method != operation.Method ? new JsonObject() : city.Body(operation.Name);

    private JsonNode Spoil(Random random, JsonNode body)
    {
        for (var faults = random.Next(1, 4); faults > 0; faults--)
        {
            var parents = Containers(body).ToList();
            var parent = parents[random.Next(parents.Count)];
            if (parent is JsonObject { Count: > 0 } members)
            {
                var name = members.ElementAt(random.Next(members.Count)).Key;
                switch (random.Next(4))
                {
                    case 0:
                        members.Remove(name);
                        break;
                    case 1:
                        members[Pick(random, ["x", "", "Name", "id", "version", "$ref", "organizationId", new string('m', 300)])] = Odd(random);
                        break;
                    default:
                        members[name] = Odd(random);
                        break;
                }
            }
            else if (parent is JsonArray list)
            {
                list.Add(Odd(random));
            }
        }

        return body;
    }

    private JsonNode? Odd(Random random) => random.Next(14) switch
    {
        0 => null,
        1 => JsonValue.Create(random.Next(2) == 0),
        2 => JsonValue.Create(random.Next(-5, 5)),
        3 => JsonValue.Create(random.NextDouble() * Math.Pow(10, random.Next(-300, 300))),
        4 => JsonNode.Parse(Pick(random, ["1e999", "-1e-999", "123456789012345678901234567890", "1.00000000000000000000000000001", "0e0", "-0"])),
        5 => new JsonArray(),
        6 => new JsonObject(),
        7 => new JsonArray(Text(random), random.Next(), null),
        8 => new JsonObject { ["type"] = Text(random), ["coordinates"] = new JsonArray(1e9, "x") },
        9 => JsonValue.Create(Id(random)),
        10 => JsonValue.Create(new string('x', random.Next(5000))),
        11 => Nested(random.Next(2, 100)),
        _ => JsonValue.Create(Text(random)),
    };

    private static JsonNode Nested(int depth)
    {
        JsonNode node = new JsonArray();
        for (; depth > 0; depth--)
        {
            node = depth % 2 == 0 ? new JsonArray(node) : new JsonObject { ["a"] = node };
        }

        return node;
    }

    private static IEnumerable<JsonNode> Containers(JsonNode node)
    {
        yield return node;
        var children = node switch
        {
            JsonObject members => members.Select(m => m.Value),
            JsonArray list => list,
            _ => [],
        };
        foreach (var inner in children.OfType<JsonNode>().Where(c => c is JsonObject or JsonArray).SelectMany(Containers))
        {
            yield return inner;
        }
    }

    private static byte[] Flip(Random random, byte[] bytes)
    {
        byte[] flipped = [.. bytes];
        flipped[random.Next(flipped.Length)] = (byte)random.Next(256);
        return flipped;
    }

    private string Id(Random random) => (random.Next(4) == 0 ? Guid.Empty : Pick(random, [.. city.Ids])).ToString();

    private static string Text(Random random) => random.Next(60) == 0 ? new string('l', random.Next(2000)) : Pick(random, Texts);

    private static T Pick<T>(Random random, IReadOnlyList<T> from) => from[random.Next(from.Count)];
}
