using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CityPulse.Tests.Support;
using Npgsql;
using Shouldly;

namespace CityPulse.Tests.Security;

/// <summary>
/// Every operation of the served document, with an id of another organisation in its path, its query and its body: answered exactly like an id
/// that does not exist, and nothing of the other organisation changes.
/// </summary>
public sealed partial class ForeignIdTests(WalkedApi api) : IClassFixture<WalkedApi>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_foreign_id_in_a_path_does_not_exist()
    {
        var tried = 0;
        foreach (var operation in api.Document.Operations)
        {
            foreach (var parameter in operation.Parameters.Where(p => p is { In: "path", IsId: true }))
            {
                var kind = MadeUpCity.KindOfPath(operation.Path, parameter.Name);
                var answer = await CompareAsync(operation, kind, id => Request(operation, operation.Path.Replace($"{{{parameter.Name}}}", $"{id}", StringComparison.Ordinal), NeedsBody(operation)));
                answer.ShouldStartWith("404 ", customMessage: operation.Name);
                tried++;
            }
        }

        tried.ShouldBeGreaterThan(10);
    }

    [Fact]
    public async Task A_foreign_id_in_a_query_is_unknown()
    {
        var tried = 0;
        foreach (var operation in api.Document.Operations.Where(o => o.Method == "GET"))
        {
            foreach (var parameter in operation.InQuery.Where(p => p.IsId))
            {
                var kind = MadeUpCity.KindOfName(parameter.Name);
                var path = OwnPath(operation);
                string With(Guid id) => $"{path}?{parameter.Name}={id}{Others(operation, parameter)}";

                // A call that its owner could not make either would prove nothing.
                using (var own = await api.Stranger.City.Client.GetAsync(With(api.Stranger.Id(kind)), Cancel))
                {
                    ((int)own.StatusCode).ShouldNotBeOneOf([400, 404], $"{operation.Name} with an own {parameter.Name} answered {(int)own.StatusCode}: {await own.Content.ReadAsStringAsync(Cancel)}");
                }

                await CompareAsync(operation, kind, id => Request(operation, With(id), null));
                tried++;
            }
        }

        tried.ShouldBeGreaterThan(2);
    }

    [Fact]
    public async Task A_foreign_id_in_a_body_is_unknown()
    {
        var tried = 0;
        foreach (var operation in api.Document.Operations.Where(o => o.Body is not null))
        {
            foreach (var member in api.Document.IdsIn(operation.Body!).Concat(IdsThatAreText(operation)))
            {
                var kind = MadeUpCity.KindOfName(member);
                if (!api.Owner.Has(kind))
                {
                    // No operation makes such a thing yet, so there are no foreign ones.
                    continue;
                }

                await CompareAsync(operation, kind, id => Request(operation, OwnPath(operation), Put(api.Stranger.Body(operation.Name), member, id)));
                tried++;
            }
        }

        tried.ShouldBeGreaterThan(3);
    }

    /// <summary>Sends both, and gives the answer that they have in common.</summary>
    private async Task<string> CompareAsync(ApiOperation operation, string kind, Func<Guid, HttpRequestMessage> request)
    {
        var before = await api.DumpAsync(api.Owner.City.OrganizationId);
        var (foreign, missing) = (api.Owner.Id(kind), Guid.CreateVersion7());
        var ofForeign = await AnswerAsync(request(foreign), foreign);
        var ofMissing = await AnswerAsync(request(missing), missing);
        ofForeign.ShouldBe(ofMissing, $"{operation.Name} tells a foreign {kind} from one that does not exist");
        (await api.DumpAsync(api.Owner.City.OrganizationId)).ShouldBe(before, $"{operation.Name} changed another organisation's rows");
        return ofForeign;
    }

    /// <summary>Status, type and body, without what differs from call to call.</summary>
    private async Task<string> AnswerAsync(HttpRequestMessage request, Guid id)
    {
        using (request)
        {
            using var answer = await api.Stranger.City.Client.SendAsync(request, Cancel);
            var text = (await answer.Content.ReadAsStringAsync(Cancel)).Replace(id.ToString(), "<id>", StringComparison.OrdinalIgnoreCase);
            text = Fleeting().Replace(Token().Replace(text, "<token>"), "<fleeting>");
            ((int)answer.StatusCode).ShouldBeLessThan(500, text);
            return $"{(int)answer.StatusCode} {answer.Content.Headers.ContentType?.MediaType} {text}";
        }
    }

    private static HttpRequestMessage Request(ApiOperation operation, string path, JsonNode? body)
    {
        var request = new HttpRequestMessage(new HttpMethod(operation.Method), path);
        request.Headers.TryAddWithoutValidation("If-Match", "*");
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, operation.MediaTypes[0]);
        }

        return request;
    }

    private JsonObject? NeedsBody(ApiOperation operation) => operation.MediaTypes.Count == 0 ? null : api.Stranger.Body(operation.Name);

    private string OwnPath(ApiOperation operation) => operation.PathWith(api.Stranger);

    /// <summary>The rest of the query: own ids where one is required, and what the call needs besides.</summary>
    private string Others(ApiOperation operation, ApiParameter tried)
    {
        var ids = operation.InQuery.Where(p => p.IsId && (p.IsRequired || MadeUpCity.Wants(operation.Name, p.Name)) && p != tried).Select(p => $"&{p.Name}={api.Stranger.Id(MadeUpCity.KindOfName(p.Name))}");
        return string.Concat(ids) + (MadeUpCity.Query(operation.Name) is { Length: > 0 } query ? $"&{query}" : "");
    }

    /// <summary>Ingest names a sensor by id or by external id, so the document calls it a text.</summary>
    private static string[] IdsThatAreText(ApiOperation operation) => operation.Name == "POST /api/v1/citypulse/sensors/readings" ? ["readings[].sensor"] : [];

    /// <summary>The body with the id put where <paramref name="member"/> leads.</summary>
    private static JsonObject Put(JsonObject body, string member, Guid id)
    {
        JsonNode at = body;
        var steps = member.Replace("[]", ".[]", StringComparison.Ordinal).Split('.');
        for (var i = 0; i < steps.Length; i++)
        {
            var isLast = i == steps.Length - 1;
            JsonNode next = isLast ? JsonValue.Create(id) : steps[i + 1] == "[]" ? new JsonArray() : new JsonObject();
            if (steps[i] == "[]")
            {
                var list = at.AsArray();
                if (isLast || list.Count == 0)
                {
                    list.Clear();
                    list.Add(next);
                }

                at = list[0]!;
            }
            else
            {
                if (isLast || at[steps[i]] is null)
                {
                    at[steps[i]] = next;
                }

                at = at[steps[i]]!;
            }
        }

        return body;
    }

    [GeneratedRegex("""(?<="(errorId|traceId|instance|createdAt|updatedAt|expiresAt|id|key)":)"[^"]*"|(?<="version":)\d+""")]
    private static partial Regex Fleeting();

    [GeneratedRegex("""(?<="(accessToken|refreshToken)":)"[^"]*"|(?<="email":)"[0-9a-f]{32}@[^"]*""")]
    private static partial Regex Token();
}

/// <summary>An Api with two organisations: one that owns, and a stranger's that tries.</summary>
public sealed class WalkedApi(TestStores stores) : IAsyncLifetime
{
    internal ApiHost Host { get; private set; } = null!;

    internal ApiDocument Document { get; private set; } = null!;

    internal MadeUpCity Owner { get; private set; } = null!;

    internal MadeUpCity Stranger { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await ApiHost.StartAsync(stores, settings: new Dictionary<string, string?> { ["RATE_LIMITING_ENABLED"] = "false" });
        using var client = Host.CreateClient();
        Document = await ApiDocument.ReadAsync(client);
        Owner = await MadeUpCity.MakeAsync(Host.CreateClient(), Document, Host.ConnectionString);
        Stranger = await MadeUpCity.MakeAsync(Host.CreateClient(), Document, Host.ConnectionString);

        // What rules make of the first readings is no effect of a call that comes later.
        await using var source = NpgsqlDataSource.Create(Host.ConnectionString);
        await Eventually.TrueAsync(
            async () => (await source.ColumnAsync("SELECT count(*)::text FROM alert_work")).Single() == "0", "no rule has anything left to judge");
    }

    public async ValueTask DisposeAsync()
    {
        Owner.City.Client.Dispose();
        Stranger.City.Client.Dispose();
        await Host.DisposeAsync();
    }

    internal Task<string> DumpAsync(Guid organizationId) => OrganizationDump.ReadAsync(Host.ConnectionString, organizationId);
}
