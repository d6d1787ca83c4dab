using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Reflection;
using CityPulse.Tests.Support;

namespace CityPulse.Tests.AiGateway;

/// <summary>The gateway as a process of its own, so that it can be killed.</summary>
internal sealed class GatewayProcess : IDisposable
{
    private readonly Process _process;

    private GatewayProcess(Process process, Uri address)
    {
        (_process, Address) = (process, address);
        // Read and dropped, so that the process never waits for a reader.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Uri Address { get; }

    /// <param name="api">Answers for the Api, with its public keys and revocations.</param>
    public static async Task<GatewayProcess> StartAsync(TestStores stores, string database, Uri api, Dictionary<string, string?> settings)
    {
        var configuration = typeof(GatewayProcess).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var assembly = Path.Combine(Path.GetDirectoryName(new Projects.CityPulse_AiGateway().ProjectPath)!, "bin", configuration, "net10.0", "CityPulse.AiGateway.dll");
        var address = new Uri($"http://127.0.0.1:{TestStores.FreePort()}");
        var start = new ProcessStartInfo("dotnet", ["exec", assembly]) { WorkingDirectory = Path.GetTempPath(), RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in new Dictionary<string, string?>(settings)
        {
            ["DOTNET_ENVIRONMENT"] = "Production",
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["ConnectionStrings:citydb"] = database,
            ["ConnectionStrings:redis"] = await stores.GetRedisAsync(),
            ["Services:api:http:0"] = api.ToString(),
            ["Services:api:internal:0"] = api.ToString(),
            ["Internal:Key"] = ApiHost.InternalKey,
            ["Auth:JwksUri"] = new Uri(api, "/.well-known/jwks.json").ToString(),
            ["RATE_LIMITING_ENABLED"] = "false",
        })
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        return new GatewayProcess(Process.Start(start)!, address);
    }

    /// <summary>What the gateway asks the Api for by itself.</summary>
    /// <returns>False when it was something else.</returns>
    public static async Task<bool> AnswerAsync(Microsoft.AspNetCore.Http.HttpContext context, TestTokens tokens)
    {
        switch (context.Request.Path.Value)
        {
            case "/.well-known/jwks.json":
                await FakeServer.JsonAsync(context, tokens.Jwks());
                return true;
            case "/internal/revocations":
                await FakeServer.JsonAsync(context, """{"next":1,"ids":[]}""");
                return true;
            default:
                return false;
        }
    }

    /// <summary>A client with a token, once the process is ready.</summary>
    public async Task<HttpClient> ClientAsync(string token)
    {
        var client = new HttpClient { BaseAddress = Address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        await Eventually.TrueAsync(() => IsReadyAsync(client), "the gateway's process is ready", TimeSpan.FromSeconds(60));
        return client;
    }

    /// <summary>kill -9, as a crash would.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static async Task<bool> IsReadyAsync(HttpClient client)
    {
        try
        {
            return (await client.GetAsync("/health/ready")).StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
