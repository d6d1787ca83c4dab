using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CityPulse.AiGateway.Local.Domain;
using CityPulse.Contracts;
using CityPulse.ServiceDefaults.Json;

namespace CityPulse.AiGateway.Tools;

/// <summary>A tool's question that Api refused, or that did not reach it; the text is fit for the reader of an answer.</summary>
internal sealed class CityApiException(int? status, string message, Exception? inner = null) : Exception(message, inner)
{
    public int? Status { get; } = status;
}

/// <summary>What a tool read, and the address that shows the same again.</summary>
internal sealed record Fetched<T>(T Value, string Source);

/// <summary>Api as the caller sees it: every request carries the caller's own token and frontend, so no tool can see more than they can.</summary>
internal sealed class CityApi(HttpClient client)
{
    public const string ClientName = "city-api";

    private const int PageSize = 500;
    private const int MaxPages = 10;

    private static readonly JsonSerializerOptions Json = Tolerant();

    private AuthenticationHeaderValue? _authorization;
    private string? _frontend;

    /// <summary>Takes over who calls. Without it every request would be refused.</summary>
    public CityApi As(HttpRequest caller)
    {
        _authorization = AuthenticationHeaderValue.TryParse(caller.Headers.Authorization, out var header) ? header : null;
        _frontend = caller.Headers[CityHeaders.FrontendSource];
        return this;
    }

    /// <summary>Takes over who called earlier, for work that goes on without them.</summary>
    public CityApi As(AuthenticationHeaderValue authorization, string? frontend)
    {
        (_authorization, _frontend) = (authorization, frontend);
        return this;
    }

    /// <summary>The whole list, page by page, up to 5,000 items; <c>Complete</c> tells whether that was all.</summary>
    public async Task<(List<T> Items, bool Complete, string Source)> ListAsync<T>(
        string path, IEnumerable<(string Name, string? Value)> query, CancellationToken cancellationToken)
    {
        var filters = query.ToList();
        var items = new List<T>();
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var answer = await GetAsync<PageOf<T>>(path, [.. filters, ("limit", $"{PageSize}"), ("cursor", cursor)], cancellationToken);
            items.AddRange(answer.Value.Items);
            cursor = answer.Value.NextCursor;
            if (cursor is null)
            {
                break;
            }
        }

        return (items, cursor is null, Address(path, filters));
    }

    public async Task<Fetched<T>> GetAsync<T>(string path, IEnumerable<(string Name, string? Value)> query, CancellationToken cancellationToken)
    {
        var address = Address(path, query);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = _authorization;
        if (!string.IsNullOrEmpty(_frontend))
        {
            request.Headers.Add(CityHeaders.FrontendSource, _frontend);
        }

        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!response.IsSuccessStatusCode)
            {
                throw new CityApiException((int)response.StatusCode, await ExplainAsync(response, cancellationToken));
            }

            var value = await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken)
                ?? throw new CityApiException(status: null, "The city's API gave an empty answer.");
            return new Fetched<T>(value, address);
        }
        catch (Exception e) when (IsUnreachable(e) && !cancellationToken.IsCancellationRequested)
        {
            throw new CityApiException(status: null, "The city's API cannot be reached at the moment.", e);
        }
    }

    /// <summary>A path and query as a client would type it; absent values are left out.</summary>
    public static string Address(string path, IEnumerable<(string Name, string? Value)> query)
    {
        var parts = query.Where(q => q.Value is not null).Select(q => $"{q.Name}={Escape(q.Value!)}").ToList();
        return parts.Count == 0 ? path : $"{path}?{string.Join('&', parts)}";
    }

    public static string Time(DateTimeOffset at) => PeriodResolver.Utc(at);

    // A colon needs no escape in a query, and the address is there for people to read.
    private static string Escape(string value) => Uri.EscapeDataString(value).Replace("%3A", ":", StringComparison.Ordinal);

    private static bool IsUnreachable(Exception e) => e
        is HttpRequestException or TaskCanceledException or JsonException or IOException
        or Polly.Timeout.TimeoutRejectedException or Polly.CircuitBreaker.BrokenCircuitException;

    private static async Task<string> ExplainAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        string? detail = null;
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
        {
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            detail = problem.TryGetProperty("detail", out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
        }

        return detail ?? string.Create(CultureInfo.InvariantCulture, $"The city's API answered {(int)response.StatusCode} {Words(response.StatusCode)}.");
    }

    private static string Words(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized => "(the login is not valid any more)",
        HttpStatusCode.Forbidden => "(you may not see this)",
        HttpStatusCode.NotFound => "(no such thing)",
        HttpStatusCode.TooManyRequests => "(too many requests; wait a little)",
        _ => "",
    };

    /// <summary>Answers of a newer Api may have members that this gateway does not know.</summary>
    private static JsonSerializerOptions Tolerant() => new(JsonDefaults.Options)
    {
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Skip,
    };

    private sealed record PageOf<T>(List<T> Items, string? NextCursor);
}
