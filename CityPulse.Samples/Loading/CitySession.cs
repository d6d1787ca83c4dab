using System.Net.Http.Json;

namespace CityPulse.Samples.Loading;

/// <summary>The demo user's access token, renewed before it runs out. Shared by the parallel writers.</summary>
internal sealed class CitySession(PatientHttp http, SampleOptions options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan RefreshAhead = TimeSpan.FromMinutes(2);
    private readonly SemaphoreSlim _lock = new(1, 1);
    private SessionResponse? _session;
    private DateTimeOffset _ends;

    public async Task<string> TokenAsync(CancellationToken cancel)
    {
        await _lock.WaitAsync(cancel);
        try
        {
            if (_session is not null && time.GetUtcNow() < _ends)
            {
                return _session.AccessToken;
            }

            _session = await RefreshAsync(_session?.RefreshToken, cancel) ?? await LoginAsync(cancel);
            // Half of a very short life is used too, so that a token of a minute does not mean a renewal with each request.
            var life = TimeSpan.FromSeconds(_session.ExpiresIn);
            _ends = time.GetUtcNow() + (life > 2 * RefreshAhead ? life - RefreshAhead : life / 2);
            return _session.AccessToken;
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>The server refused this token. The other writer may have renewed it meanwhile.</summary>
    public async Task ForgetAsync(string token, CancellationToken cancel)
    {
        await _lock.WaitAsync(cancel);
        _ends = _session?.AccessToken == token ? DateTimeOffset.MinValue : _ends;
        _lock.Release();
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>Null when the session is over, so that only a login helps.</summary>
    private async Task<SessionResponse?> RefreshAsync(string? refreshToken, CancellationToken cancel)
    {
        if (refreshToken is null)
        {
            return null;
        }

        using var response = await http.SendAsync(() => Post("refresh", new RefreshRequest(refreshToken)), cancel);
        return response.IsSuccessStatusCode ? await CityJson.ReadAsync<SessionResponse>(response, cancel) : null;
    }

    private async Task<SessionResponse> LoginAsync(CancellationToken cancel)
    {
        using var response = await http.SendAsync(() => Post("login", new LoginRequest(options.Email, options.Password)), cancel);
        return response.IsSuccessStatusCode
            ? await CityJson.ReadAsync<SessionResponse>(response, cancel)
            : throw new SampleException($"Login as {options.Email} failed: {(await CityJson.FaultOfAsync(response, cancel)).Message}");
    }

    private static HttpRequestMessage Post<T>(string call, T body) =>
        new(HttpMethod.Post, "/api/v1/auth/" + call) { Content = JsonContent.Create(body, options: CityJson.Options) };
}
