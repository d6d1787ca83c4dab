using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using CityPulse.Tests.Support;
using Shouldly;

namespace CityPulse.Tests.Security;

/// <summary>Whatever comes in, the answer is one: no fault, no half answer, nothing that is not problem details, and nobody waits.</summary>
public sealed class MalformedRequestTests(FuzzedApi api) : IClassFixture<FuzzedApi>
{
    private const int Count = 10_000;

    /// <summary>The client's patience, beside which the test measures nothing.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Another seed for a longer search: <c>CITYPULSE_FUZZ_SEED</c>.</summary>
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("CITYPULSE_FUZZ_SEED") ?? "20261128", CultureInfo.InvariantCulture);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ten_thousand_malformed_requests_are_all_answered_properly()
    {
        var requests = new MalformedRequests(api.Document, api.City, Seed);
        // Headers go out as they are, also where a client would rather not send them.
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, RequestHeaderEncodingSelector = (_, _) => Encoding.Latin1 };
        using var client = new HttpClient(handler) { Timeout = Patience };
        var faults = new ConcurrentQueue<string>();
        var statuses = new ConcurrentDictionary<int, int>();
        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (number, cancel) =>
        {
            using var request = requests.Make(number);
            var (status, fault) = await TryAsync(client, request, cancel);
            statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
            if (fault is not null)
            {
                faults.Enqueue($"seed {Seed}, number {number}: {fault}\n{await DescribeAsync(requests.Make(number))}");
            }
        });

        faults.Take(10).ShouldBeEmpty();

        // They got past the door, most of them, and were refused for many reasons; some turned out to be good.
        statuses.Keys.ShouldBeSubsetOf([200, 201, 204, 304, 400, 401, 403, 404, 405, 406, 409, 412, 413, 414, 415, 422, 428, 431]);
        statuses[400].ShouldBeGreaterThan(Count / 5);
        statuses.GetValueOrDefault(401).ShouldBeLessThan(Count / 5);
        statuses[200].ShouldBeGreaterThan(Count / 50);
        using var after = await api.City.City.Client.GetAsync("/api/v1/citypulse/buildings", Cancel);
        after.IsSuccessStatusCode.ShouldBeTrue();
    }

    [Fact]
    public async Task A_number_is_the_same_request_every_time()
    {
        var (one, other) = (new MalformedRequests(api.Document, api.City, Seed), new MalformedRequests(api.Document, api.City, Seed));
        foreach (var number in Enumerable.Range(0, 200))
        {
            var first = await DescribeAsync(one.Make(number));
            if (!first.Contains("@example.org", StringComparison.Ordinal))
            {
                (await DescribeAsync(other.Make(number))).ShouldBe(first);
            }
        }
    }

    private static async Task<(int Status, string? Fault)> TryAsync(HttpClient client, HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            using var answer = await client.SendAsync(request, cancel);
            var status = (int)answer.StatusCode;
            var text = await answer.Content.ReadAsStringAsync(cancel);
            return (status, status >= 400 ? FaultOf(request, answer, text) : null);
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException && !cancel.IsCancellationRequested)
        {
            return (0, $"no answer: {e.GetType().Name} {e.Message} {e.InnerException?.Message}");
        }
    }

    private static string? FaultOf(HttpRequestMessage request, HttpResponseMessage answer, string text)
    {
        var status = (int)answer.StatusCode;
        if (status >= 500)
        {
            return $"{status} {text}";
        }

        if (text.Length == 0 && status is (400 or 414 or 431) && answer.Headers.ConnectionClose == true)
        {
            // The server itself hung up on what was no request yet: there is no body that could be wrong.
            return null;
        }

        if (request.Method == HttpMethod.Head)
        {
            return text.Length == 0 ? null : $"{status} to HEAD has a body: {text}";
        }

        if (answer.Content.Headers.ContentType?.MediaType != "application/problem+json")
        {
            return $"{status} is no problem details but {answer.Content.Headers.ContentType}: {text}";
        }

        var problem = JsonElement.Parse(text);
        return problem.GetProperty("status").GetInt32() == status && problem.GetProperty("errorId").GetString() is { Length: > 0 }
            && !text.Contains("Exception", StringComparison.Ordinal) && !text.Contains("   at ", StringComparison.Ordinal)
            ? null
            : $"{status} tells too much or too little: {text}";
    }

    private static async Task<string> DescribeAsync(HttpRequestMessage request)
    {
        using (request)
        {
            var text = new StringBuilder($"{request.Method} {request.RequestUri!.OriginalString[request.RequestUri.GetLeftPart(UriPartial.Authority).Length..]}\n");
            foreach (var (name, values) in request.Headers.NonValidated.Where(h => h.Key != "Authorization").Concat(request.Content?.Headers.NonValidated.ToArray() ?? []))
            {
                text.Append(CultureInfo.InvariantCulture, $"{name}: {values}\n");
            }

            var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync();
            return text.Append('\n').Append(Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 2000)))).ToString();
        }
    }
}

/// <summary>An Api as in production, with one organisation, whose limits are off.</summary>
public sealed class FuzzedApi(TestStores stores) : IAsyncLifetime
{
    internal ApiHost Host { get; private set; } = null!;

    internal ApiDocument Document { get; private set; } = null!;

    internal MadeUpCity City { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await ApiHost.StartAsync(stores, "Production", [new("Auth:AllowRegistration", "true"), new("RATE_LIMITING_ENABLED", "false")]);
        using var client = Host.CreateClient();
        Document = await ApiDocument.ReadAsync(client);
        City = await MadeUpCity.MakeAsync(Host.CreateClient(), Document, Host.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        City.City.Client.Dispose();
        await Host.DisposeAsync();
    }
}
