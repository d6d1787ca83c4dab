using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CityPulse.Samples.Loading;

/// <summary>The API's JSON: requests leave out what is not set, as it refuses unknown members but not absent ones.</summary>
internal static class CityJson
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancel) =>
        await response.Content.ReadFromJsonAsync<T>(Options, cancel)
        ?? throw new SampleException($"{response.RequestMessage?.RequestUri?.AbsolutePath} answered null.");

    /// <summary>What went wrong, in the API's own words where it has any.</summary>
    public static async Task<SampleException> FaultOfAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var text = await response.Content.ReadAsStringAsync(cancel);
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json"
            && JsonSerializer.Deserialize<ProblemResponse>(text, Options) is { } problem)
        {
            var fields = problem.Errors?.SelectMany(error => error.Value) ?? [];
            text = $"{string.Join(' ', fields.Prepend(problem.Detail ?? problem.Title))} (error {problem.ErrorId})";
        }

        var request = response.RequestMessage;
        return new SampleException($"{request?.Method} {request?.RequestUri?.AbsolutePath} answered {(int)response.StatusCode}: {text}");
    }
}
